// The entry points that PostgreSQL calls: each unpacks its arguments and calls one function.
#include "compat.hpp"

extern "C" {
#include "miscadmin.h"
}

#include "options.hpp"
#include "row_change.hpp"
#include "session.hpp"
#include "source_settings.hpp"
#include "truncate_change.hpp"

#include "capture/capture_settings.hpp"
#include "capture/hooks.hpp"
#include "capture/sealed_message.hpp"
#include "capture/write_watch.hpp"

using namespace waltrail;

namespace {

Session &session_of(LogicalDecodingContext *decoding) {
    return *static_cast<Session *>(decoding->output_plugin_private);
}

} // namespace

extern "C" {

PG_MODULE_MAGIC;

void _PG_init() {
    define_source_settings();
    define_capture_settings(look_again);
    MarkGUCPrefixReserved("waltrail"); // says so of a name that is written wrong
    if (process_shared_preload_libraries_in_progress) start_capture();
}

static void waltrail_startup(LogicalDecodingContext *decoding, OutputPluginOptions *output,
                             bool is_init) {
    Options options = parse_options(decoding->output_plugin_options);
    output->output_type =
        options.format == Format::json ? OUTPUT_PLUGIN_TEXTUAL_OUTPUT : OUTPUT_PLUGIN_BINARY_OUTPUT;
    output->receive_rewrites = false;
    if (!is_init) decoding->output_plugin_private = start_session(decoding, options);
}

static void waltrail_begin(LogicalDecodingContext *decoding, ReorderBufferTXN *txn) {
    begin_transaction(session_of(decoding), *txn);
}

static void waltrail_change(LogicalDecodingContext *decoding, ReorderBufferTXN *, Relation relation,
                            ReorderBufferChange *change) {
    record_row_change(session_of(decoding), relation, *change);
}

static void waltrail_truncate(LogicalDecodingContext *decoding, ReorderBufferTXN *, int count,
                              Relation relations[], ReorderBufferChange *change) {
    record_truncate(session_of(decoding), {relations, static_cast<size_t>(count)}, *change);
}

static void waltrail_commit(LogicalDecodingContext *decoding, ReorderBufferTXN *, XLogRecPtr) {
    commit_transaction(session_of(decoding));
}

static void waltrail_message(LogicalDecodingContext *decoding, ReorderBufferTXN *, XLogRecPtr,
                             bool transactional, const char *prefix, Size bytes,
                             const char *message) {
    if (transactional) take_message(session_of(decoding), prefix, {message, bytes});
}

// The server asks for each record that it is about to decode.
static bool waltrail_filter_by_origin(LogicalDecodingContext *decoding, RepOriginId) {
    mark_sealed_message(*decoding->reader);
    return false; // keep it
}

void _PG_output_plugin_init(OutputPluginCallbacks *callbacks) {
    callbacks->startup_cb = waltrail_startup;
    callbacks->begin_cb = waltrail_begin;
    callbacks->change_cb = waltrail_change;
    callbacks->truncate_cb = waltrail_truncate;
    callbacks->commit_cb = waltrail_commit;
    callbacks->message_cb = waltrail_message;
    callbacks->filter_by_origin_cb = waltrail_filter_by_origin;
}

} // extern "C"

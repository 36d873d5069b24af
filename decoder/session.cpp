#include "session.hpp"

extern "C" {
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

#include "context_memory.hpp"
#include "frame_output.hpp"
#include "full_xid.hpp"
#include "guarded_value.hpp"
#include "masked_value.hpp"
#include "render_settings.hpp"
#include "server_text.hpp"

#include "capture/sealed_message.hpp"

#include "wire/capture_message.hpp"

namespace waltrail {

namespace {

constexpr int changes_between_progress = 100; // as pgoutput: cheap, and often enough for keepalives
constexpr size_t kept_buffer_bytes = size_t{4} << 20;

wire::Timestamp current_time() { return {GetCurrentTimestamp()}; }

// A huge value must not cost its memory for the rest of the session.
void shrink(wire::Buffer &buffer) {
    buffer.clear();
    if (buffer.capacity > kept_buffer_bytes) buffer.release();
}

std::string_view database_name() {
    const char *name = get_database_name(MyDatabaseId);
    if (name == nullptr) elog(ERROR, "could not find database with OID %u", MyDatabaseId);
    return name;
}

// Late, because the name needs the catalogs, which the startup callback of a walsender cannot read.
void open_session(Session &session) {
    MemoryContext caller = MemoryContextSwitchTo(session.decoding->context);
    session.source.system_identifier = GetSystemIdentifier();
    session.source.database_oid = MyDatabaseId;
    session.source.database = text_to_utf8(database_name());
    session.source.server_version = compat::server_version;
    MemoryContextSwitchTo(caller);
    session.opened = true;
    if (session.options.format == Format::json) return;
    session.writer.open_session();
    encode_session(session.writer, session.source);
}

void write_begin(Session &session) {
    TransactionState &transaction = session.transaction;
    if (!session.opened) open_session(session);
    transaction.about.xid = {full_xid(static_cast<TransactionId>(transaction.about.xid.value))};
    if (transaction.origin != InvalidRepOriginId) {
        set_origin(session.said, transaction.origin);
        transaction.context_changed = true;
    }
    transaction.sent = true;
    if (session.options.format == Format::binary) encode_begin(session.writer, transaction.about);
}

void refresh_context(Session &session) {
    session.transaction.context_changed = false;
    session.context.clear();
    append_context(session.context, session.said);
}

void write_context(Session &session) {
    if (session.context.view() == session.context_sent.view()) return;
    session.context_sent.clear();
    session.context_sent.append(session.context.view());
    encode_context(session.writer, session.context.view());
}

void write_relation(Session &session, RelationEntry &entry) {
    encode_relation(session.writer, entry.of.relation);
    entry.described = true;
}

void report_progress(Session &session) {
    if (compat::server_reports_progress) return;
    if (++session.changes_since_write < changes_between_progress) return;
    session.changes_since_write = 0;
    OutputPluginUpdateProgress(session.decoding, false);
}

// Once a transaction, and only for relations whose text depends on them.
void apply_settings(TransactionState &transaction) {
    if (transaction.settings_applied) return;
    transaction.settings_level = apply_render_settings();
    transaction.settings_applied = true;
}

void guard_rows(Session &session, RelationEntry &entry, wire::Change &change) {
    if (!change.before.empty())
        change.unreadable |= guard_values(session.values, entry.of, entry.old_row);
    if (!change.after.empty())
        change.unreadable |= guard_values(session.values, entry.of, entry.new_row);
}

void append_prepared(wire::FrameWriter &out, std::string_view encoded) {
    if (encoded.size() < wire::fragment_bytes)
        out.payload.append(encoded);
    else
        out.append_long(encoded);
}

void encode_rows(Session &session, RelationEntry &entry, const wire::Change &change) {
    TransactionState &transaction = session.transaction;
    auto put_value = [&session, &entry](wire::FrameWriter &out, size_t index, bool is_new) {
        const ColumnReader &column = entry.of.columns[index];
        const RowSpace &row = is_new ? entry.new_row : entry.old_row;
        if (entry.of.guarded && !row.prepared[index].empty())
            return append_prepared(out, row.prepared[index]);
        Datum value = row.datums[column.stored.attribute];
        if (column.mask != nullptr)
            return append_masked_value(session.values, out.payload, column.type, value,
                                       *column.mask);
        append_column_value(session.values, out, column.type, value);
    };
    encode_change(session.writer, change, transaction.previous_position, transaction.skipped,
                  put_value);
}

// Transactions come in the order of their commits, each with the catalogs as they were when it made its changes. The caches
// of catalogs, which the server shares between them, may by then hold what a transaction changed that was committed while this
// one was open. Locks keep such changes off a table that is being written, but not off its schema, its root, or the types of
// its columns: ALTER SCHEMA … RENAME, for one. The server sends the invalidations of such a change into the open transaction
// at the place where it was committed; before that place, the caches must be empty.
void return_to_catalogs_of(Session &session, const ReorderBufferTXN &txn) {
    if (session.relations.take_shift())
        session.shapes_as_of = session.transaction.about.commit_lsn; // of the transaction before
    if (txn.base_snapshot_lsn >= session.shapes_as_of.value) return;
    InvalidateSystemCaches();
    session.relations.take_shift(); // what this call itself has marked
}

} // namespace

Session *start_session(LogicalDecodingContext *decoding, const Options &options) {
    MemoryContext context = decoding->context;
    auto *session = new (MemoryContextAllocZero(context, sizeof(Session))) Session();
    session->decoding = decoding;
    session->options = options;
    session->scratch = AllocSetContextCreate(context, "waltrail change", ALLOCSET_DEFAULT_SIZES);
    session->values = make_value_encoder(context);
    session->said = make_transaction_context(context);
    session->context = buffer_in(context);
    session->context_sent = buffer_in(context);
    session->line = buffer_in(context);
    session->writer.payload = buffer_in(context);
    session->writer.clock = current_time;
    session->writer.sink = frame_output(*session);
    if (options.format == Format::json) session->writer.spill_bytes = SIZE_MAX;
    session->selection.start(context, options);
    session->relations.start(context, session->selection);
    return session;
}

void begin_transaction(Session &session, const ReorderBufferTXN &txn) {
    session.writer.reset();
    shrink(session.writer.payload);
    reset(session.said, kept_buffer_bytes);
    shrink(session.context);
    shrink(session.context_sent);
    shrink(session.line);
    shrink(session.values);
    session.ending = false;
    session.relations.sweep();
    return_to_catalogs_of(session, txn);
    session.transaction = {};
    wire::Transaction &about = session.transaction.about;
    about.xid = {txn.xid};
    about.commit_lsn = {txn.final_lsn};
    about.end_lsn = {txn.end_lsn};
    about.committed_at = {txn.xact_time.commit_time};
    session.transaction.origin = txn.origin_id;
}

uint64_t count_change(Session &session) {
    report_progress(session);
    return session.transaction.changes_decoded++;
}

void skip_change(Session &session) { session.transaction.skipped++; }

void leave_out_change(Session &session) {
    session.transaction.options_left_out = true;
    skip_change(session);
}

void drop_change(Session &session, const RelationEntry &entry) {
    return entry.left_out ? leave_out_change(session) : skip_change(session);
}

void send_change(Session &session, RelationEntry &entry, wire::Change &change) {
    TransactionState &transaction = session.transaction;
    if (!transaction.sent) write_begin(session);
    if (entry.of.uses_settings) apply_settings(transaction);
    if (entry.of.guarded) guard_rows(session, entry, change);
    if (transaction.context_changed) refresh_context(session);
    if (session.options.format == Format::binary) {
        write_context(session);
        if (!entry.described) write_relation(session, entry);
        encode_rows(session, entry, change);
    } else {
        session.rendering = &change;
        session.rendering_entry = &entry;
        encode_rows(session, entry, change);
        session.writer.flush();
    }
    transaction.previous_position = change.position;
    transaction.skipped = 0;
    transaction.changes_sent++;
}

void commit_transaction(Session &session) {
    TransactionState &transaction = session.transaction;
    restore_settings(transaction.settings_level);
    if (!transaction.sent && transaction.options_left_out) write_begin(session);
    OutputPluginUpdateProgress(session.decoding, !transaction.sent);
    if (!transaction.sent || session.options.format == Format::json) return;
    session.ending = true;
    encode_commit(session.writer, transaction.changes_sent, transaction.changes_decoded);
    session.writer.flush();
}

void take_message(Session &session, std::string_view prefix, std::string_view content) {
    bool is_sealed = prefix == sealed_prefix;
    bool is_capture = is_sealed || prefix == wire::capture_prefix;
    if (!is_capture && !is_context_prefix(prefix)) return;
    MemoryContext caller = MemoryContextSwitchTo(session.scratch);
    if (is_capture)
        take_capture(session.said, content, is_sealed);
    else
        set_context(session.said.message, content);
    session.transaction.context_changed = true;
    MemoryContextSwitchTo(caller);
    MemoryContextReset(session.scratch);
}

} // namespace waltrail

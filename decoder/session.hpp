// One decoding session: everything the plugin remembers, in the memory of the decoding context, so that nothing outlives it,
// whichever way it ends. shutdown_cb is not called after an error and has nothing to do.
#pragma once

#include "compat.hpp"
#include "options.hpp"
#include "relation_cache.hpp"
#include "selection.hpp"
#include "transaction_context.hpp"
#include "value_encoder.hpp"

#include "wire/encoder.hpp"
#include "wire/records.hpp"
#include "wire/types.hpp"

namespace waltrail {

// The transaction that is being replayed.
struct TransactionState {
    wire::Transaction about{};
    bool sent = false;             // its begin record has been written
    bool options_left_out = false; // changes that other options would send
    uint64_t changes_decoded = 0;  // all that the server handed over, the next one's sequence
    uint64_t changes_sent = 0;
    uint64_t skipped = 0; // decoded and left out since the last that was sent
    wire::Lsn previous_position{};
    RepOriginId origin = InvalidRepOriginId;
    bool context_changed = false; // since Session::context was put together
    int settings_level = 0;       // of apply_render_settings()
    bool settings_applied = false;
};

struct Session {
    LogicalDecodingContext *decoding = nullptr;
    Options options{};
    MemoryContext scratch = nullptr; // reset after each change
    wire::FrameWriter writer{};
    bool opened = false; // the session record has been written
    bool ending = false; // what is written now is the transaction's last
    int changes_since_write = 0;
    wire::Source source{};
    Selection selection{};
    RelationCache relations{};
    wire::Lsn
        shapes_as_of{}; // commit of the newest transaction that may have changed shapes without a lock on their tables
    ValueEncoder values{};
    TransactionState transaction{};
    TransactionContext said{};   // by the messages of the transaction so far
    wire::Buffer context{};      // of the following changes; empty: none
    wire::Buffer context_sent{}; // the last context record of the transaction
    // format 'json' only: the change that the writer holds, and the line it becomes.
    const wire::Change *rendering = nullptr;
    RelationEntry *rendering_entry = nullptr;
    wire::Buffer line{};
};
static_assert(std::is_trivially_destructible_v<Session>);

// `options` must live in the decoding context.
Session *start_session(LogicalDecodingContext *decoding, const Options &options);

void begin_transaction(Session &session, const ReorderBufferTXN &txn);
void commit_transaction(Session &session);

// Counts a decoded change and returns its sequence.
uint64_t count_change(Session &session);
// The change just counted will not be sent, whatever the options.
void skip_change(Session &session);
// The change just counted is one of a relation that is not recorded.
void drop_change(Session &session, const RelationEntry &entry);
// The change just counted is left out by an option. Its transaction is sent all the same, if need be without a change, so that
// a reader meets the same transactions when the options have changed.
void leave_out_change(Session &session);

// Sends a change of which everything but values is filled in; takes the datums from the entry's rows. Written before it where
// necessary: session, begin, relation and context records.
void send_change(Session &session, RelationEntry &entry, wire::Change &change);

// A transactional message of the transaction that is replayed.
void take_message(Session &session, std::string_view prefix, std::string_view content);

} // namespace waltrail

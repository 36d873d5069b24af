// The context of the changes of a transaction, put together from what it says at each place: the actor, which neither context nor
// message ends; the context of the statement (a comment, or the setting), which the preloaded library writes; the application's
// own messages, which hold where the statement has none; and the origin of a transaction that came by replication.
//
//   {"_waltrail": {"actor": {…}, "claimed": {…}, "origin": "…"}, …the context's own members…}
//
// The reserved member comes first, and in exactly these bytes, so that marks can be added to it (wire/marks.hpp). Nothing that
// an unprivileged role can write ends up in "actor" or "origin": it is "claimed".
#pragma once

#include "change_context.hpp"
#include "compat.hpp"

#include "wire/memory.hpp"

#include <string_view>

namespace waltrail {

struct TransactionContext {
    ContextText message{};
    ContextText statement{};
    wire::Buffer actor{};            // a JSON object, empty: none
    wire::Buffer application_name{}; // a JSON string, empty: none
    wire::Buffer claimed_actor{};    // a JSON object that nobody vouches for, empty: none
    wire::Buffer origin{};           // a JSON string, empty: none
};
static_assert(std::is_trivially_destructible_v<TransactionContext>);

TransactionContext make_transaction_context(MemoryContext memory);

// At the beginning of a transaction: nothing is said.
void reset(TransactionContext &context, size_t kept_bytes_max);

// A transaction that came by replication. Needs a transaction.
void set_origin(TransactionContext &context, RepOriginId origin);

// Takes a message of the preloaded library (`is_sealed`), or of somebody who would like to be it. Allocates in the current memory
// context.
void take_capture(TransactionContext &context, std::string_view content, bool is_sealed);

// Appends the whole, or nothing where nothing is said.
void append_context(wire::Buffer &out, const TransactionContext &context);

} // namespace waltrail

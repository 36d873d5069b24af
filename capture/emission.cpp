#include "capture/emission.hpp"

extern "C" {
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "replication/message.h"
#include "utils/memutils.h"
}

#include "capture/actor.hpp"
#include "capture/actor_signature.hpp"
#include "capture/capture_settings.hpp"
#include "capture/write_watch.hpp"

#include "decoder/context_memory.hpp"

#include "wire/capture_message.hpp"

namespace waltrail {

namespace {

// What was said in a subtransaction that is still open, or has ended in the one at `level`.
struct Said {
    Said *outer;
    int level;                // GetCurrentTransactionNestLevel()
    uint32_t actor;           // generation of ActorFields, 0: none
    std::string_view context; // in the transaction's memory
    bool owns_context;        // the outer ones have another
};

// Of the current transaction, innermost first; null: nothing was said.
Said *said = nullptr;
uint32_t messages = 0; // with an actor, those rolled back too

void free_context(const Said &entry) {
    if (entry.owns_context) pfree(const_cast<char *>(entry.context.data()));
}

void pop() {
    Said *gone = said;
    said = gone->outer;
    pfree(gone);
}

// The entry of the current subtransaction, with all that the outer ones have said.
Said &current_entry() {
    int level = GetCurrentTransactionNestLevel();
    if (said != nullptr && said->level == level) return *said;
    auto *entry = static_cast<Said *>(MemoryContextAlloc(TopTransactionContext, sizeof(Said)));
    *entry = said != nullptr ? *said : Said();
    entry->outer = said;
    entry->level = level;
    entry->owns_context = false;
    said = entry;
    return *entry;
}

void remember_context(Said &entry, std::string_view context) {
    char *copy = nullptr;
    if (!context.empty()) {
        copy = static_cast<char *>(MemoryContextAlloc(TopTransactionContext, context.size()));
        std::memcpy(copy, context.data(), context.size());
    }
    free_context(entry);
    entry.context = {copy, context.size()};
    entry.owns_context = copy != nullptr;
}

void forget_rolled_back(int level) {
    while (said != nullptr && said->level >= level) {
        free_context(*said);
        pop();
    }
}

// What a subtransaction has said is its parent's now.
void hand_to_parent(int level) {
    if (said == nullptr || said->level < level) return;
    Said *outer = said->outer;
    if (outer == nullptr || outer->level < level - 1) {
        said->level = level - 1;
        return;
    }
    outer->actor = said->actor;
    if (said->owns_context || said->context.empty()) {
        free_context(*outer);
        outer->context = said->context;
        outer->owns_context = said->owns_context;
    }
    pop();
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_COMMIT_SUB) hand_to_parent(level);
    if (event != SUBXACT_EVENT_ABORT_SUB) return;
    forget_rolled_back(level);
    look_again();
}

// Its memory goes with the transaction.
void on_transaction(XactEvent event, void *) {
    if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
        return;
    said = nullptr;
    messages = 0;
    begin_again();
}

void sign(wire::SignedActor &actor, const ActorKey &key, std::string_view fields) {
    actor.xid = U64FromFullTransactionId(GetTopFullTransactionId());
    actor.counter = ++messages;
    actor.fields = fields;
    actor.signature = sign_actor(actor, key);
}

void write_message(const wire::CaptureMessage &message) {
    wire::Buffer bytes = buffer_in(CurrentMemoryContext);
    append_capture_message(bytes, message);
    LogLogicalMessage(wire::capture_prefix, bytes.data, bytes.size, true);
    bytes.release();
}

} // namespace

void watch_transactions() {
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

std::string_view context_said() { return said != nullptr ? said->context : std::string_view(); }

void say_before_change(std::string_view context) {
    wire::CaptureMessage message;
    const ActorKey *key = captures_actor() ? actor_key(MissingKey::make) : nullptr;
    ActorFields actor{};
    if (key != nullptr) actor = actor_fields();
    message.has_actor = key != nullptr && (said == nullptr || said->actor != actor.generation);
    message.has_context = context != context_said();
    if (!message.has_actor && !message.has_context) return;
    if (message.has_actor) sign(message.actor, *key, actor.bytes);
    message.context = context;
    write_message(message);
    Said &entry = current_entry();
    if (message.has_actor) entry.actor = actor.generation;
    if (message.has_context) remember_context(entry, context);
}

} // namespace waltrail

#include "capture/emission.hpp"

extern "C" {
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
}

#include "capture/actor.hpp"
#include "capture/capture_settings.hpp"
#include "capture/sealed_message.hpp"
#include "capture/write_watch.hpp"

#include "decoder/context_memory.hpp"

#include "wire/capture_message.hpp"

#include <cstring>
#include <type_traits>

namespace waltrail {

namespace {

// What was said in a subtransaction that is still open, or has ended in the one at `level`.
struct Said {
    Said *outer;
    int level; // GetCurrentTransactionNestLevel()
    Words words;
    char *
        text; // in the transaction's memory, where `words` lie; null: in an outer one's, or nothing is said
};
static_assert(std::is_trivially_destructible_v<Said>);

// Of the current transaction, innermost first; null: nothing was said.
Said *said = nullptr;

void free_text(Said &entry) {
    if (entry.text != nullptr) pfree(entry.text);
    entry.text = nullptr;
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
    *entry = {said, level, words_said(), nullptr};
    said = entry;
    return *entry;
}

// `words` may lie in what is freed here.
void remember(Said &entry, const Words &words) {
    size_t size = words.actor.size() + words.context.size();
    auto *text = static_cast<char *>(MemoryContextAlloc(TopTransactionContext, size + 1));
    if (!words.actor.empty()) std::memcpy(text, words.actor.data(), words.actor.size());
    char *context = text + words.actor.size();
    if (!words.context.empty()) std::memcpy(context, words.context.data(), words.context.size());
    free_text(entry);
    entry.text = text;
    entry.words = {words.generation, {text, words.actor.size()}, {context, words.context.size()}};
}

void forget_rolled_back(int level) {
    while (said != nullptr && said->level >= level) {
        free_text(*said);
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
    if (said->text != nullptr) {
        free_text(*outer);
        outer->words = said->words;
        outer->text = said->text;
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
    look_again();
}

void write_message(const wire::CaptureMessage &message) {
    wire::Buffer bytes = buffer_in(CurrentMemoryContext);
    append_capture_message(bytes, message);
    log_sealed_message(bytes.view());
    bytes.release();
}

} // namespace

void watch_transactions() {
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

Words words_said() { return said != nullptr ? said->words : Words(); }

void say_again(const Words &words) {
    Words before = words_said();
    wire::CaptureMessage message;
    message.has_actor = words.generation != before.generation;
    message.has_context = words.context != before.context;
    if (!message.has_actor && !message.has_context) return;
    message.actor = words.actor;
    message.context = words.context;
    write_message(message);
    remember(current_entry(), words);
}

// Where the actor is not captured any more, the one before must not go on: no fields are said, of nobody.
void say_before_change(std::string_view context) {
    Words words{.context = context};
    if (captures_actor()) {
        ActorFields fields = actor_fields();
        words.generation = fields.generation;
        words.actor = fields.bytes;
    }
    say_again(words);
}

} // namespace waltrail

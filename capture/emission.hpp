// What this transaction has said of its actor and its context, and what it must say before the next change. A message is written only
// where something is another, and what a subtransaction has said is forgotten when it is rolled back, as its message is.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace waltrail {

// Once, before sessions begin.
void watch_transactions();

// What the changes at some point of the transaction have: an actor's fields and its ActorFields::generation (0: none), and a context.
struct Words {
    uint32_t generation = 0;
    std::string_view actor{};
    std::string_view context{};
};
static_assert(std::is_trivially_destructible_v<Words>);

// What was said last in this transaction. Valid until something is said.
Words words_said();

// Writes the message that is needed before a change with this context, if any. Assigns a transaction id then.
void say_before_change(std::string_view context);

// Says again what had been said before; nothing where it still holds.
void say_again(const Words &words);

} // namespace waltrail

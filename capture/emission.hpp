// What this transaction has said of its actor and its context, and what it must say before the next change. A message is written only
// where something is another, and what a subtransaction has said is forgotten when it is rolled back, as its message is.
#pragma once

#include <string_view>

namespace waltrail {

// Once, before sessions begin.
void watch_transactions();

// Writes the message that is needed before a change with this context, if any. Assigns a transaction id then.
void say_before_change(std::string_view context);

// The context that the transaction's changes have at this point; empty: none. Valid until the next call of say_before_change().
std::string_view context_said();

} // namespace waltrail

// The step of init that makes the context triggers, for --context-triggers. What they are is in context_trigger.*.
#pragma once

#include "apply/init_undo.hpp"
#include "apply/postgres.hpp"
#include "apply/settings.hpp"
#include "apply/source_patterns.hpp"

#include <string>
#include <vector>

namespace waltrail {

struct ContextTriggerReport {
    int made = 0;             // tables that were given the trigger now
    int had = 0;              // tables that had it
    int taken = 0;            // tables that lost it, because no pattern asks for them any more
    bool is_needless = false; // the library is preloaded, as far as the role may see
    std::vector<std::string> warnings;
};

// Refuses where the role may not make the functions, or they could not do their work. Writes nothing.
void check_context_triggers(PostgresConnection &source);

// Makes the functions, or gives them another affix, in one transaction. From then on the event trigger makes context triggers.
void make_context_functions(PostgresConnection &source, const InitSettings &settings,
                            UndoList &undo);

// Makes the triggers of the tables that are there; each in a transaction of its own, and those that cannot be made with a
// warning. Takes them from tables that no pattern asks for, unless another slot may have asked. Fails when the connection is
// lost or a signal comes.
ContextTriggerReport set_context_triggers(PostgresConnection &source, const Ends &ends,
                                          const std::vector<TablePattern> &patterns,
                                          UndoList &undo);

} // namespace waltrail

// The event trigger on the source for tables and partitions that are created or attached later: it sets REPLICA IDENTITY FULL,
// and makes their context trigger where there are such.
#pragma once

#include "apply/init_undo.hpp"
#include "apply/postgres.hpp"
#include "apply/settings.hpp"
#include "apply/source_patterns.hpp"

#include <string>

namespace waltrail {

// Each slot has a trigger of its own, because each may have other patterns. Names end at 63 bytes, as the server's do.
[[nodiscard]] std::string event_trigger_name(const std::string &slot);

// Event triggers are for superusers.
[[nodiscard]] bool may_make_event_trigger(PostgresConnection &source);

// Refuses when somebody else's event trigger has that name.
void check_event_trigger(PostgresConnection &source, const std::string &slot);

// Makes it, or gives it new patterns, in one transaction.
void make_event_trigger(PostgresConnection &source, const Ends &ends,
                        const std::vector<TablePattern> &patterns, bool sets_identity,
                        UndoList &undo);

} // namespace waltrail

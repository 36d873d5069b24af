#include "apply/checks.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

// Of the tables beside the trail: the rows of this source. Where it does not connect, those of every source with such a slot.
std::string of_source(const CheckedPair &pair) {
    if (pair.progress) return fmt::format("source_id = {}", pair.progress->source_id);
    return fmt::format("source_id IN (SELECT id FROM changes.sources WHERE slot_name = {})",
                       pair.destination->quote_literal(pair.settings.ends.slot));
}

} // namespace

void check_quarantine(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail) return;
    Result row = pair.destination->execute(fmt::format(
        R"(SELECT count(*),
                  (SELECT string_agg(t.name, ', ')
                     FROM (SELECT DISTINCT format('"%s.%s"', "schema", "table") AS name
                             FROM changes.quarantine WHERE {0} ORDER BY 1 LIMIT 10) AS t),
                  (array_agg(sqlstate || ' ' || error ORDER BY quarantined_at DESC))[1]
             FROM changes.quarantine WHERE {0} AND part = 0)",
        of_source(pair)));
    if (row.text(0, 0) == "0") return findings.ok("no change is in quarantine");
    findings.warn(fmt::format("changes in quarantine: {}, of {}; the newest: {}", row.text(0, 0),
                              row.text(0, 1), row.text(0, 2)),
                  "look at them in changes.quarantine; docs/operations.md says how to read them, "
                  "write them and "
                  "clear this");
}

void check_marks(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail) return;
    Result row = pair.destination->execute(
        fmt::format("SELECT coalesce(sum(marked), 0), coalesce(sum(changes), 0) FROM "
                    "changes.applied WHERE {}",
                    of_source(pair)));
    if (row.text(0, 0) != "0")
        findings.note(fmt::format("changes with a value that jsonb cannot hold as it is: {} of {}, "
                                  "marked in their context",
                                  row.text(0, 0), row.text(0, 1)));
}

void check_gaps(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail) return;
    Result row = pair.destination->execute(
        fmt::format("SELECT count(*), (array_agg(format('%s to %s (%s)', start_lsn, end_lsn, "
                    "reason) ORDER BY noted_at DESC))[1] FROM changes.gaps WHERE {}",
                    of_source(pair)));
    if (row.text(0, 0) == "0") return findings.ok("no gap is noted");
    findings.warn(fmt::format("ranges that are missing from the trail: {}, the newest from {}",
                              row.text(0, 0), row.text(0, 1)),
                  "what happened there is not recorded; changes.gaps has them all");
}

} // namespace waltrail

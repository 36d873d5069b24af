#include "apply/checks.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

constexpr long rows_counted_max = 1000;

// By OID: by name, this fails for a role that may not use the schema.
constexpr const char *upkeep_sql = R"(
SELECT string_agg(format('changes.%s()', p.proname), ' and ' ORDER BY p.proname), quote_literal(current_user)
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'changes' AND p.proname IN ('maintain', 'clean_pending') AND NOT has_function_privilege(p.oid, 'EXECUTE'))";

// Bounds are instants; days are those of UTC.
constexpr const char *coverage_sql = R"(
SELECT bool_or(p.lower_bound <= now() AND p.upper_bound > now()),
       bool_or(p.lower_bound <= now() + interval '1 day' AND p.upper_bound > now() + interval '1 day'),
       to_char(max(p.upper_bound) FILTER (WHERE isfinite(p.upper_bound)) AT TIME ZONE 'UTC', 'YYYY-MM-DD')
  FROM changes.partition_bounds() AS p)";

} // namespace

// What apply does for the trail beside writing it, if it may (changes.grant_writer() lets it); what it may not is the owner's to do.
void check_upkeep(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail) return;
    Result denied = pair.destination->execute(upkeep_sql);
    if (denied.is_null(0, 0))
        return findings.ok("the role may make partitions and clean pending lists");
    findings.warn(fmt::format("the role may not call {}", denied.text(0, 0)),
                  fmt::format("SELECT changes.grant_writer({}) as the owner, who must otherwise do "
                              "it regularly",
                              denied.text(0, 1)));
}

void check_partitions(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail) return;
    Result coverage = pair.destination->execute(coverage_sql);
    const char *mend = "CALL changes.maintain(), as apply does at its start and every hour";
    if (coverage.text(0, 0) != "t")
        findings.warn("table \"changes\" has no partition for today (UTC)", mend);
    else if (coverage.text(0, 1) != "t")
        findings.warn("table \"changes\" has no partition for tomorrow (UTC)", mend);
    else
        findings.ok(fmt::format("partitions are made up to {} (UTC)", coverage.text(0, 2)));
}

// Rows that came when there was no partition for them, or whose commit time is far off.
void check_default_partition(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail) return;
    Result partition = pair.destination->execute(
        "SELECT p.partition::text FROM changes.partition_bounds() AS p WHERE p.is_default");
    if (partition.rows() == 0) return;
    // A writer of the trail may not, and needs not.
    if (pair.destination
            ->execute("SELECT has_table_privilege($1, 'SELECT')", {partition.string(0, 0)})
            .text(0, 0) != "t")
        return findings.note("the default partition was not looked at: the role may not read it",
                             "run check as the owner of the trail to know what is in it");
    Result rows = pair.destination->execute(
        fmt::format("SELECT count(*) FROM (SELECT FROM ONLY {} LIMIT {}) AS counted",
                    partition.text(0, 0), rows_counted_max));
    if (rows.text(0, 0) != "0")
        findings.warn(
            fmt::format("changes in the default partition: {}{}",
                        rows.string(0, 0) == std::to_string(rows_counted_max) ? "at least " : "",
                        rows.text(0, 0)),
            "CALL changes.maintain() gives them their days; what stays has a commit time "
            "far from now: look at the source's clock");
    else
        findings.ok("the default partition is empty");
}

} // namespace waltrail

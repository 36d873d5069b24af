#include "apply/checks.hpp"
#include "apply/context_trigger.hpp"
#include "apply/name_list.hpp"
#include "apply/source_patterns.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

// Over `c`. A deferrable key is no identity (RelationGetIndexList in relcache.c).
constexpr std::string_view has_row_identity = R"(
(c.relreplident = 'f' OR EXISTS (
    SELECT FROM pg_index AS i
     WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
       AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)))";

// The selected tables for which the condition holds, in double quotes.
std::vector<std::string> selected_tables(CheckedPair &pair, const std::string &condition) {
    Result rows = pair.source->execute(fmt::format(
        R"(SELECT format('"%s.%s"', n.nspname, c.relname)
             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE {} AND {} ORDER BY n.nspname, c.relname)",
        selected_table_condition(*pair.source, pair.selection), condition));
    return first_column(rows);
}

} // namespace

void check_replica_identity(CheckedPair &pair, FindingSink &findings) {
    auto partial = selected_tables(pair, fmt::format("c.relpersistence = 'p' AND c.relreplident <> "
                                                     "'f' AND {}",
                                                     has_row_identity));
    if (!partial.empty())
        return findings.warn(
            fmt::format(
                "tables recorded without REPLICA IDENTITY FULL, so that before holds no more "
                "than the key: {} ({})",
                partial.size(), name_list(partial)),
            "run \"waltrail init\" again, or ALTER TABLE … REPLICA IDENTITY FULL");
    auto recorded = selected_tables(pair, "c.relpersistence = 'p'");
    auto full = selected_tables(pair, "c.relpersistence = 'p' AND c.relreplident = 'f'");
    if (recorded.empty())
        findings.note("no table is recorded now");
    else
        findings.ok(fmt::format("tables recorded: {}, with REPLICA IDENTITY FULL: {}",
                                recorded.size(), full.size()));
}

void check_row_identity(CheckedPair &pair, FindingSink &findings) {
    auto without =
        selected_tables(pair, fmt::format("c.relpersistence = 'p' AND NOT {}", has_row_identity));
    if (!without.empty())
        findings.warn(
            fmt::format("tables recorded without any replica identity, so that an UPDATE has "
                        "no before and a DELETE does not tell its row: {} ({})",
                        without.size(), name_list(without)),
            "run \"waltrail init\" again, or ALTER TABLE … REPLICA IDENTITY FULL");
}

void check_primary_keys(CheckedPair &pair, FindingSink &findings) {
    auto without = selected_tables(pair, R"(c.relpersistence = 'p' AND NOT EXISTS (
        SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid))");
    if (!without.empty())
        findings.note(fmt::format("tables recorded without a primary key, whose changes are found "
                                  "by their values only, and whose rows verify does not compare: "
                                  "{} ({})",
                                  without.size(), name_list(without)),
                      "give them a primary key where their rows are to be followed");
}

void check_unlogged_tables(CheckedPair &pair, FindingSink &findings) {
    auto unlogged = selected_tables(pair, "c.relpersistence = 'u'");
    if (!unlogged.empty())
        findings.warn(fmt::format("unlogged tables, which are not recorded: {} ({})",
                                  unlogged.size(), name_list(unlogged)),
                      "ALTER TABLE … SET LOGGED, or leave them out with --exclude-tables");
}

// A statement on a partitioned table fires its triggers, not those of its partitions.
void check_context_triggers(CheckedPair &pair, FindingSink &findings) {
    auto without = first_column(pair.source->execute(fmt::format(
        R"(SELECT DISTINCT format('"%s.%s"', ln.nspname, lc.relname)
             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid FROM pg_partition_ancestors(c.oid)) AS line (relid)
             JOIN pg_class AS lc ON lc.oid = line.relid JOIN pg_namespace AS ln ON ln.oid = lc.relnamespace
            WHERE {} AND {} AND c.relpersistence = 'p' AND NOT {} ORDER BY 1)",
        context_function_condition(), selected_table_condition(*pair.source, pair.selection),
        has_context_trigger("line.relid"))));
    if (!without.empty())
        findings.warn(
            fmt::format("tables recorded without a context trigger, while others have one: "
                        "{} ({})",
                        without.size(), name_list(without)),
            "run \"waltrail init --context-triggers\" again");
}

} // namespace waltrail

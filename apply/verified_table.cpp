#include "apply/verified_table.hpp"

#include "apply/name_list.hpp"
#include "apply/shown_text.hpp"
#include "apply/source_patterns.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

namespace waltrail {

namespace {

constexpr const char *list_sql = R"(
SELECT r.oid
  FROM (SELECT DISTINCT coalesce(pg_partition_root(c.oid), c.oid) AS root
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE {} AND c.relpersistence = 'p') AS recorded
  JOIN pg_class AS r ON r.oid = recorded.root JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
 ORDER BY rn.nspname, r.relname)";

constexpr const char *table_sql = R"(
SELECT r.oid, rn.nspname, r.relname, r.relkind = 'p', array_to_string(recorded.leaves, ','),
       (SELECT count(*) FROM pg_partition_tree(r.oid) AS p WHERE p.isleaf) > cardinality(recorded.leaves),
       has_schema_privilege(rn.oid, 'USAGE'), has_table_privilege(r.oid, 'SELECT'),
       (SELECT CASE WHEN bool_and(lc.reltuples >= 0) THEN sum(lc.reltuples)::bigint ELSE -1 END
          FROM pg_class AS lc WHERE lc.oid = ANY (recorded.leaves)),
       (SELECT string_agg(DISTINCT x.xmin::text, ',')
          FROM (SELECT pc.xmin FROM pg_class AS pc WHERE pc.oid = r.oid OR pc.oid = ANY (recorded.leaves)
                UNION ALL SELECT pa.xmin FROM pg_attribute AS pa WHERE pa.attrelid = r.oid OR pa.attrelid = ANY (recorded.leaves)
                UNION ALL SELECT pd.xmin FROM pg_attrdef AS pd WHERE pd.adrelid = r.oid OR pd.adrelid = ANY (recorded.leaves)) AS x),
       EXISTS (SELECT FROM pg_class AS wc WHERE wc.oid = ANY (recorded.leaves) AND wc.relfilenode <> wc.oid)
  FROM (SELECT coalesce(pg_partition_root(c.oid), c.oid) AS root, array_agg(c.oid ORDER BY c.oid) AS leaves
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE {0} AND c.relpersistence = 'p' AND c.oid IN (SELECT relid FROM pg_partition_tree({1}) UNION SELECT {1}::oid)
         GROUP BY 1) AS recorded
  JOIN pg_class AS r ON r.oid = recorded.root JOIN pg_namespace AS rn ON rn.oid = r.relnamespace)";

// Of each column the types inside it, and how it wraps them: `[]` for an array, `.` for a field. A cast to json of a type that is not the
// server's own is user code, which to_jsonb() runs and the plugin does not (docs/values.md, "Exceptions"). Types may hold arrays of
// themselves, so the depth ends somewhere.
constexpr const char *columns_sql = R"(
WITH RECURSIVE part (attnum, type, wrap) AS (
    SELECT a.attnum, a.atttypid, '' FROM pg_attribute AS a WHERE a.attrelid = {0} AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT p.attnum, inside.type, p.wrap || inside.wrap
      FROM part AS p JOIN pg_type AS t ON t.oid = p.type
     CROSS JOIN LATERAL (
           SELECT t.typbasetype, '' WHERE t.typtype = 'd'
           UNION ALL SELECT t.typelem, '[]' WHERE t.typtype = 'b' AND t.typlen = -1 AND t.typelem <> 0
           UNION ALL SELECT f.atttypid, '.' FROM pg_attribute AS f
                      WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped) AS inside (type, wrap)
     WHERE length(p.wrap) < 16)
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated = 'v', has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       (SELECT string_agg(DISTINCT p.wrap, ' ') FROM part AS p
         WHERE p.attnum = a.attnum AND p.type >= 16384
           AND EXISTS (SELECT FROM pg_cast AS k WHERE k.castsource = p.type AND k.casttarget = 'json'::regtype AND k.castmethod = 'f')),
       EXISTS (SELECT FROM part AS p WHERE p.attnum = a.attnum AND p.type = 'json'::regtype),
       {1}, {2}, {3}
  FROM pg_attribute AS a WHERE a.attrelid = {0} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)";

// The key's own operators: of a type of the source's users they may be in any schema.
constexpr const char *key_sql = R"(
SELECT a.attname, format_type(a.atttypid, -1), has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       (SELECT quote_ident(s.nspname) FROM pg_opclass AS o
          JOIN pg_amop AS m ON m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype AND m.amopstrategy = 5
          JOIN pg_operator AS p ON p.oid = m.amopopr JOIN pg_namespace AS s ON s.oid = p.oprnamespace
         WHERE o.oid = i.indclass[k.place::integer - 1])
  FROM pg_index AS i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
 WHERE i.indrelid = {} AND i.indisprimary AND i.indisvalid AND k.place <= i.indnkeyatts ORDER BY k.place)";

bool is_true(const Result &rows, int row, int column) { return rows.text(row, column) == "t"; }

std::set<uint32_t> numbers(std::string_view list) {
    std::set<uint32_t> found;
    while (!list.empty()) {
        size_t comma = list.find(',');
        found.insert(static_cast<uint32_t>(
            std::strtoul(std::string(list.substr(0, comma)).c_str(), nullptr, 10)));
        list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
    }
    return found;
}

std::string role_of(const PostgresConnection &source) {
    return source.quote_identifier(PQuser(source.get()));
}

VerifiedTable table_of(const PostgresConnection &source, const Result &rows) {
    VerifiedTable table;
    PresentTable &present = table.present;
    std::set<uint32_t> leaves = numbers(rows.text(0, 4));
    present.oid = *numbers(rows.text(0, 0)).begin();
    present.schema = shown_text(rows.text(0, 1));
    present.table = shown_text(rows.text(0, 2));
    present.is_partitioned = is_true(rows, 0, 3);
    present.members = leaves;
    present.members.insert(present.oid);
    table.sql_name = fmt::format("{}.{}", source.quote_identifier(rows.text(0, 1)),
                                 source.quote_identifier(rows.text(0, 2)));
    if (present.is_partitioned && is_true(rows, 0, 5))
        table.chosen.assign(leaves.begin(), leaves.end());
    table.may_read_xmin = is_true(rows, 0, 7);
    table.rows_estimate = std::atoll(rows.string(0, 8).c_str());
    table.rewritten_by = numbers(rows.text(0, 9));
    table.was_rewritten = is_true(rows, 0, 10);
    if (!is_true(rows, 0, 6)) {
        table.problem =
            fmt::format("the role lacks USAGE on schema \"{0}\": GRANT USAGE ON SCHEMA {1} TO {2}",
                        present.schema, source.quote_identifier(rows.text(0, 1)), role_of(source));
        table.is_refused = true;
    }
    return table;
}

// What of a column is not compared, by reason, for a line of its own.
struct SkippedColumns {
    std::vector<std::string> excluded, ignored, refused, foreign;

    void tell(std::vector<std::string> &notes) const {
        auto add = [&](const std::vector<std::string> &names, std::string_view why) {
            if (!names.empty())
                notes.push_back(fmt::format("columns not compared, {}: {}", why, name_list(names)));
        };
        add(excluded, "because they are excluded");
        add(ignored, "because UPDATEs of them alone are not recorded");
        add(refused, "because the role may not read them");
        add(foreign, "because they hold types with a cast to json of their own in a composite");
    }
};

// | a type with a cast to json of its own is | the column is written as                     |
// |------------------------------------------|----------------------------------------------|
// | not in it                                | it is                                        |
// | the column's                             | text                                         |
// | that of an array's elements              | array of text                                |
// | in a composite                           | not at all: to_jsonb() has no other way      |
std::optional<std::string> written_value(const std::string &name, std::string_view wraps,
                                         bool has_cast) {
    if (!has_cast) return "t." + name;
    if (wraps.empty()) return fmt::format("t.{}::text", name);
    if (wraps == "[]") return fmt::format("t.{}::text[]", name);
    return std::nullopt;
}

SkippedColumns read_columns(PostgresConnection &source, const Selection &selection,
                            VerifiedTable &table) {
    auto matching = [&](const std::vector<std::string> &lists) {
        return matching_column_condition(source, lists, table.present.oid);
    };
    Result rows = source.execute(
        fmt::format(columns_sql, table.present.oid, matching(selection.exclude_columns),
                    matching(selection.mask_columns), matching(selection.ignore_columns)));
    SkippedColumns skipped;
    for (int row = 0; row < rows.rows(); row++) {
        std::string shown = shown_text(rows.text(row, 0));
        std::string name = source.quote_identifier(rows.text(row, 0));
        table.present.types[shown] = shown_text(rows.text(row, 1));
        bool is_virtual = is_true(rows, row, 2), is_masked = is_true(rows, row, 7);
        table.has_ignored_columns |= is_true(rows, row, 8);
        auto written = written_value(name, rows.text(row, 4), !rows.is_null(row, 4));
        if (is_virtual) continue;
        if (is_true(rows, row, 6))
            skipped.excluded.push_back(shown);
        else if (is_true(rows, row, 8))
            skipped.ignored.push_back(shown);
        else if (!is_true(rows, row, 3))
            skipped.refused.push_back(shown);
        else if (!written && !is_masked)
            skipped.foreign.push_back(shown);
        else {
            table.columns.push_back({name, is_masked ? presence_of(name) : *written,
                                     is_true(rows, row, 5) && !is_masked});
            table.compared.push_back({shown, table.present.types[shown], is_masked});
        }
    }
    return skipped;
}

bool contains(const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Why a column cannot tell one row from another; empty where it can.
std::string key_problem(const VerifiedTable &table, const SkippedColumns &skipped,
                        const std::string &column) {
    if (contains(skipped.excluded, column))
        return fmt::format("column \"{}\" of its key is excluded", column);
    for (const ComparedColumn &compared : table.compared)
        if (compared.name == column && compared.by_presence)
            return fmt::format("column \"{}\" of its key is masked", column);
    return "";
}

void read_key(PostgresConnection &source, const SkippedColumns &skipped, VerifiedTable &table) {
    Result rows = source.execute(fmt::format(key_sql, table.present.oid));
    if (rows.rows() == 0) table.problem = "it has no primary key";
    for (int row = 0; row < rows.rows(); row++) {
        std::string shown = shown_text(rows.text(row, 0));
        table.present.key.push_back(shown);
        table.key.push_back(
            {source.quote_identifier(rows.text(row, 0)), rows.string(row, 1), rows.string(row, 3)});
        if (!is_true(rows, row, 2)) {
            table.problem = fmt::format(
                "the role lacks SELECT on column \"{}\" of its key: GRANT SELECT ON {} TO {}",
                shown, table.sql_name, role_of(source));
            table.is_refused = true;
            return;
        }
        if (std::string problem = key_problem(table, skipped, shown); !problem.empty())
            table.problem = problem;
    }
}

} // namespace

std::string presence_of(const std::string &name) {
    return fmt::format("t.{} IS DISTINCT FROM NULL OR NULL", name);
}

std::vector<std::string> list_verified_tables(PostgresConnection &source,
                                              const Selection &selection) {
    return first_column(
        source.execute(fmt::format(list_sql, selected_table_condition(source, selection))));
}

std::optional<VerifiedTable> read_verified_table(PostgresConnection &source,
                                                 const Selection &selection,
                                                 const std::string &oid) {
    Result rows =
        source.execute(fmt::format(table_sql, selected_table_condition(source, selection), oid));
    if (rows.rows() != 1) return std::nullopt;
    VerifiedTable table = table_of(source, rows);
    if (table.problem.empty()) {
        SkippedColumns skipped = read_columns(source, selection, table);
        skipped.tell(table.notes);
        read_key(source, skipped, table);
    }
    return table;
}

bool is_unaltered(PostgresConnection &source, const Selection &selection,
                  const VerifiedTable &table) {
    auto now = read_verified_table(source, selection, std::to_string(table.present.oid));
    if (!now) return false;
    now->rows_estimate = table.rows_estimate;
    return *now == table;
}

} // namespace waltrail

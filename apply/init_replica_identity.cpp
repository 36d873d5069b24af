// ALTER TABLE … REPLICA IDENTITY takes ACCESS EXCLUSIVE for a moment: hence TableRounds.
//
// With FULL, an UPDATE or DELETE logs the old row whole, with its TOAST values as they are stored
// (ExtractReplicaIdentity in heapam.c), and fails when that does not fit into 1 GB. pg_column_size() tells what is stored
// without reading it.
#include "apply/init_replica_identity.hpp"

#include "apply/init_interrupt.hpp"
#include "apply/name_list.hpp"
#include "apply/table_rounds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>

namespace waltrail {

namespace {

constexpr long row_bytes_max = 64L << 20;
constexpr long sampled_pages_max = 20'000;
constexpr std::chrono::milliseconds sample_timeout{5000};

struct Table {
    std::string oid;
    std::string name;     // quoted, with its schema
    std::string identity; // how ALTER TABLE … REPLICA IDENTITY calls what it has
    bool is_owned;
    long toast_bytes;
    long pages;
};

long number(const Result &result, int row, int column) {
    return std::atol(result.string(row, column).c_str());
}

std::vector<Table> list_tables(PostgresConnection &source, const std::string &condition) {
    Result rows = source.execute(fmt::format(R"(
SELECT c.oid, format('%I.%I', n.nspname, c.relname),
       CASE c.relreplident
            WHEN 'n' THEN 'NOTHING'
            WHEN 'i' THEN coalesce((SELECT format('USING INDEX %I', ic.relname)
                                      FROM pg_index AS i JOIN pg_class AS ic ON ic.oid = i.indexrelid
                                     WHERE i.indrelid = c.oid AND i.indisreplident), 'NOTHING')
            ELSE 'DEFAULT' END,
       pg_has_role(c.relowner, 'USAGE'),
       CASE WHEN c.reltoastrelid <> 0 THEN pg_relation_size(c.reltoastrelid) ELSE 0 END,
       pg_relation_size(c.oid) / current_setting('block_size')::integer
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relreplident <> 'f' AND {} ORDER BY 2)",
                                             condition));
    std::vector<Table> tables;
    for (int row = 0; row < rows.rows(); row++)
        tables.push_back({rows.string(row, 0), rows.string(row, 1), rows.string(row, 2),
                          rows.text(row, 3) == "t", number(rows, row, 4), number(rows, row, 5)});
    return tables;
}

// Size of the largest row as stored; 0 where it cannot be told in time. Only a table with that much TOAST can have one.
long largest_row_bytes(PostgresConnection &source, const Table &table) {
    if (table.toast_bytes < row_bytes_max) return 0;
    Result columns = source.execute(
        "SELECT string_agg(format('coalesce(pg_column_size(t.%I)::bigint, 0)', attname), ' + ') "
        "FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped "
        "AND attlen = -1",
        {table.oid});
    if (columns.is_null(0, 0)) return 0;
    double percent =
        std::min(100.0, 100.0 * sampled_pages_max / static_cast<double>(std::max(table.pages, 1L)));
    long bytes = 0;
    source.execute(fmt::format("SET statement_timeout = {}", sample_timeout.count()));
    try {
        bytes = number(
            execute_unless_interrupted(
                source, fmt::format("SELECT max({}) FROM ONLY {} AS t TABLESAMPLE SYSTEM ({})",
                                    columns.text(0, 0), table.name, percent)),
            0, 0);
    } catch (const Error &) {
        SignalWatch::check();
        if (source.is_lost()) throw;
    }
    source.execute("SET statement_timeout = 0");
    return bytes;
}

// Tables that were altered, shared with the step that takes it back.
using Altered = std::vector<Table>;

std::vector<std::string> set_back_statements(const Altered &altered) {
    std::vector<std::string> statements;
    for (auto &table : altered)
        statements.push_back(
            fmt::format("ALTER TABLE ONLY {} REPLICA IDENTITY {}", table.name, table.identity));
    return statements;
}

class IdentityRun {
  public:
    IdentityRun(PostgresConnection &source, const Ends &ends, UndoList &undo)
        : source_(source), rounds_(source, "set REPLICA IDENTITY FULL on"),
          altered_(std::make_shared<Altered>()) {
        undo.add("REPLICA IDENTITY FULL on tables of the source that were locked when it was to be "
                 "set back",
                 [conninfo = ends.source, altered = altered_] {
                     take_back(conninfo, set_back_statements(*altered));
                 });
    }

    void run(const std::string &condition) {
        rounds_.run([&] {
            for (auto &table : list_tables(source_, condition))
                if (!rounds_.is_settled(table.oid)) settle(table);
        });
    }

    [[nodiscard]] std::vector<std::string> warnings() const {
        std::vector<std::string> lines = rounds_.failures();
        auto warn = [&](const std::vector<std::string> &names, std::string_view reason,
                        std::string_view hint) {
            if (!names.empty())
                lines.push_back(fmt::format("{} {}: REPLICA IDENTITY left as it is; {}", reason,
                                            name_list(names), hint));
        };
        warn(rounds_.locked(), "could not lock table", "run init again");
        warn(foreign_, "not the owner of table",
             "connect as a superuser or its owner, or let the owner run ALTER TABLE … REPLICA "
             "IDENTITY FULL");
        warn(large_, fmt::format("rows above {} MB in table", row_bytes_max >> 20),
             "with FULL, an UPDATE or DELETE of a row that comes near 1 GB fails");
        return lines;
    }

    [[nodiscard]] const Altered &altered() const { return *altered_; }

  private:
    // Alters the table, or notes why not. A table that is not locked but altered or left for good is settled.
    void settle(const Table &table) {
        if (!table.is_owned) return leave(table, foreign_);
        if (largest_row_bytes(source_, table) > row_bytes_max) return leave(table, large_);
        altered_->push_back(table); // before: the answer may be lost on its way back
        if (!rounds_.alter(table.oid, table.name,
                           fmt::format("ALTER TABLE ONLY {} REPLICA IDENTITY FULL", table.name)))
            altered_->pop_back();
    }

    void leave(const Table &table, std::vector<std::string> &reason) {
        rounds_.settle(table.oid);
        reason.push_back(table.name);
    }

    PostgresConnection &source_;
    TableRounds rounds_;
    std::shared_ptr<Altered> altered_;
    std::vector<std::string> foreign_, large_;
};

// The old rows that the counted updates and deletes would have logged. Says nothing where nothing was counted.
std::string estimate_price(PostgresConnection &source, const Altered &altered) {
    if (altered.empty()) return "";
    std::vector<std::string> oids;
    for (auto &table : altered) oids.push_back(table.oid);
    Result row = source.execute(fmt::format(R"(
WITH price AS (
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, u.rows,
           u.rows * pg_table_size(c.oid) / greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 1) AS bytes
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      CROSS JOIN LATERAL (SELECT pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid)) AS u (rows)
     WHERE c.oid IN ({}))
SELECT sum(rows), pg_size_pretty(sum(bytes)::bigint),
       (SELECT string_agg(format('%s %s', p.name, pg_size_pretty(p.bytes::bigint)), ', ' ORDER BY p.bytes DESC)
          FROM (SELECT * FROM price WHERE bytes > 0 ORDER BY bytes DESC LIMIT 3) AS p)
  FROM price)",
                                            fmt::join(oids, ", ")));
    if (row.is_null(0, 2)) return "";
    return fmt::format("about {} more WAL for as many updates and deletes as the statistics have "
                       "counted so far ({}); most "
                       "for {}",
                       row.text(0, 1), row.text(0, 0), row.text(0, 2));
}

} // namespace

IdentityReport set_replica_identities(PostgresConnection &source, const Ends &ends,
                                      const std::string &condition, UndoList &undo) {
    IdentityReport report;
    report.full = static_cast<int>(
        number(source.execute(fmt::format(
                   "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
                   "c.relnamespace WHERE c.relreplident = 'f' AND {}",
                   condition)),
               0, 0));
    IdentityRun run(source, ends, undo);
    run.run(condition);
    report.changed = static_cast<int>(run.altered().size());
    report.warnings = run.warnings();
    report.price = estimate_price(source, run.altered());
    return report;
}

} // namespace waltrail

#include "apply/server_figures.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace waltrail {

namespace {

// Microseconds since 2000, by the source's clock. A standby has no position of its own, and what it has replayed takes its place.
constexpr const char *source_sql = R"(
SELECT floor((extract(epoch FROM clock_timestamp()) - 946684800) * 1000000)::int8, w.wal_end,
       s.slot_name IS NULL OR s.wal_status = 'lost', pg_wal_lsn_diff(w.wal_end, s.restart_lsn), s.safe_wal_size, age(s.catalog_xmin)
  FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END) AS w (wal_end)
  LEFT JOIN pg_replication_slots AS s ON s.slot_name = {})";

constexpr const char *quarantine_sql =
    "SELECT count(*) FROM changes.quarantine WHERE source_id = {} AND part = 0";
constexpr const char *gaps_sql = "SELECT count(*) FROM changes.gaps WHERE source_id = {}";

constexpr const char *pgstattuple_sql =
    "SELECT quote_ident(n.nspname) FROM pg_extension AS e "
    "JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pgstattuple'";

// It reads a page of each index. Nothing is pending where nothing came since the last VACUUM.
constexpr const char *pending_sql = R"(
SELECT coalesce(max(p.pending_pages), 0) * current_setting('block_size')::int8
  FROM (SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = to_regclass('public.changes')
        UNION ALL SELECT to_regclass('changes.held')) AS t (relation)
  JOIN pg_index AS x ON x.indrelid = t.relation AND x.indisvalid
  JOIN pg_class AS c ON c.oid = x.indexrelid
  JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'gin'
 CROSS JOIN LATERAL {}.pgstatginindex(c.oid) AS p
 WHERE pg_stat_get_ins_since_vacuum(t.relation) > 0)";

int64_t number(const Result &rows, int column) {
    return std::atoll(rows.string(0, column).c_str());
}

std::optional<int64_t> number_or_none(const Result &rows, int column) {
    if (rows.is_null(0, column)) return std::nullopt;
    return number(rows, column);
}

constexpr std::string_view lock_not_available = "55P03";
constexpr std::string_view query_canceled = "57014";

bool is_no_answer(const std::string &sqlstate) {
    return sqlstate == insufficient_privilege || sqlstate == lock_not_available ||
           sqlstate == query_canceled;
}

// None: the role may not, somebody is at it, or it takes too long.
std::optional<int64_t> ask_number(PostgresConnection &destination, const std::string &sql,
                                  const Asking &asking) {
    try {
        return number(execute_within(destination, sql, asking.patience, asking.stop), 0);
    } catch (const Error &error) {
        if (!is_no_answer(error.sqlstate())) throw;
        return std::nullopt;
    }
}

std::optional<int64_t> read_pending_bytes(PostgresConnection &destination, const Asking &asking) {
    Result schema = execute_within(destination, pgstattuple_sql, asking.patience, asking.stop);
    if (schema.rows() == 0) return std::nullopt;
    return ask_number(destination, fmt::format(pending_sql, schema.text(0, 0)), asking);
}

std::string version_of(PostgresConnection &connection) {
    const char *version = PQparameterStatus(connection.get(), "server_version");
    std::string_view text = version == nullptr ? "" : version;
    return std::string(text.substr(0, text.find(' '))); // a packager's words come behind it
}

} // namespace

// The servers give up before we do. A drop of a partition must not wait behind a look at its indexes for long.
void prepare_for_figures(PostgresConnection &connection, const Asking &asking) {
    (void)execute_within(connection,
                         fmt::format("SET search_path = pg_catalog, pg_temp; SET statement_timeout "
                                     "= {}; SET lock_timeout = 100; SET client_min_messages = "
                                     "warning; SET default_transaction_read_only = on",
                                     asking.patience.count() * 4 / 5),
                         asking.patience, asking.stop);
}

SourceFigures read_source_figures(PostgresConnection &source, const std::string &slot,
                                  const Asking &asking) {
    Result row = execute_within(source, fmt::format(source_sql, source.quote_literal(slot)),
                                asking.patience, asking.stop);
    SourceFigures figures;
    figures.version = version_of(source);
    figures.time = {number(row, 0)};
    figures.wal_end = parse_lsn(row.text(0, 1)).value_or(Lsn{});
    figures.slot_is_lost = row.text(0, 2) == "t";
    if (figures.slot_is_lost) return figures;
    figures.retained_bytes = number_or_none(row, 3);
    figures.safe_wal_bytes = number_or_none(row, 4);
    figures.catalog_xmin_age = number_or_none(row, 5);
    return figures;
}

DestinationFigures read_destination_figures(PostgresConnection &destination, int source_id,
                                            const Asking &asking) {
    DestinationFigures figures;
    figures.version = version_of(destination);
    figures.quarantined = ask_number(destination, fmt::format(quarantine_sql, source_id), asking);
    figures.gaps = ask_number(destination, fmt::format(gaps_sql, source_id), asking);
    figures.pending_bytes = read_pending_bytes(destination, asking);
    return figures;
}

} // namespace waltrail

#include "apply/source_status.hpp"

#include <algorithm>
#include <cstdlib>

namespace waltrail {

namespace {

// The recorded end and the last commit before it belong together: a range beyond a hole counts for neither.
constexpr const char *status_sql = R"(
SELECT s.label, s.database_name, s.slot_name, h.recorded_end,
       to_char(a.last_committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       to_char(a.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       extract(epoch FROM clock_timestamp() - a.recorded_at),
       coalesce(t.changes, 0), coalesce(t.marked, 0),
       (SELECT count(*) FROM changes.quarantine AS q WHERE q.source_id = s.id AND q.part = 0),
       (SELECT count(*) FROM changes.gaps AS g WHERE g.source_id = s.id),
       to_char(coalesce(greatest(a.last_committed_at, a.source_time), a.recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM changes.sources AS s
 CROSS JOIN LATERAL (SELECT changes.horizon(s.label)) AS h (recorded_end)
 CROSS JOIN LATERAL (SELECT max(last_committed_at), max(recorded_at), max(source_time) FROM changes.applied
                      WHERE source_id = s.id AND end_lsn <= h.recorded_end) AS a (last_committed_at, recorded_at, source_time)
 CROSS JOIN LATERAL (SELECT sum(changes), sum(marked) FROM changes.applied WHERE source_id = s.id) AS t (changes, marked)
 WHERE ($1 = '' OR s.slot_name = $1)
   AND ($2 = '' OR (s.system_identifier = nullif($2, '')::bigint AND s.database_oid = nullif($3, '')::oid))
 ORDER BY s.id)";

// A standby has no insert position.
constexpr const char *wal_end_sql = R"(
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END,
       extract(epoch FROM clock_timestamp() - $1::timestamptz))";

std::optional<std::string> text_or_none(const Result &result, int row, int column) {
    if (result.is_null(row, column)) return std::nullopt;
    return result.string(row, column);
}

int64_t number(const Result &result, int row, int column) {
    return std::atoll(result.string(row, column).c_str());
}

SourceStatus status_of(const Result &rows, int row) {
    SourceStatus status;
    status.label = rows.string(row, 0);
    status.database = rows.string(row, 1);
    status.slot = rows.string(row, 2);
    status.recorded_end = parse_lsn(rows.text(row, 3));
    status.last_committed_at = text_or_none(rows, row, 4);
    status.recorded_at = text_or_none(rows, row, 5);
    status.recorded_age_s = std::atof(rows.string(row, 6).c_str());
    status.changes = number(rows, row, 7);
    status.marked = number(rows, row, 8);
    status.quarantined = number(rows, row, 9);
    status.gaps = number(rows, row, 10);
    status.complete_to = text_or_none(rows, row, 11);
    return status;
}

} // namespace

std::vector<SourceStatus> read_status(PostgresConnection &destination, const SourceFilter &filter) {
    Result rows = destination.execute(status_sql,
                                      {filter.slot, filter.system_identifier, filter.database_oid});
    std::vector<SourceStatus> sources;
    for (int row = 0; row < rows.rows(); row++) sources.push_back(status_of(rows, row));
    return sources;
}

void narrow_to(PostgresConnection &source, SourceFilter &filter) {
    Result identity = source.execute("SELECT system_identifier, (SELECT oid FROM pg_database WHERE "
                                     "datname = current_database()) FROM pg_control_system()");
    filter.system_identifier = identity.string(0, 0);
    filter.database_oid = identity.string(0, 1);
}

SourceLag read_lag(PostgresConnection &source, const SourceStatus &status) {
    SourceLag lag;
    lag.slot = read_slot(source, status.slot);
    Result now = source.execute(wal_end_sql, {status.complete_to});
    lag.wal_end = parse_lsn(now.text(0, 0)).value_or(Lsn{});
    if (!status.recorded_end || lag.wal_end <= *status.recorded_end) return lag;
    lag.lag_bytes = static_cast<int64_t>(lag.wal_end.value - status.recorded_end->value);
    lag.lag_s = std::max(0.0, std::atof(now.string(0, 1).c_str()));
    return lag;
}

} // namespace waltrail

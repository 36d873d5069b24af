#include "apply/progress.hpp"

#include <fmt/format.h>

#include <charconv>

namespace waltrail {

namespace {

template <typename Number> Number number(std::string_view text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Lsn lsn_of(std::string_view text) { return parse_lsn(text).value_or(Lsn{}); }

void read_source(PostgresConnection &destination, const std::string &database,
                 const std::string &slot, Progress &progress) {
    Result rows = destination.execute(
        "SELECT id, label, system_identifier, database_oid FROM changes.sources "
        "WHERE database_name = $1 AND slot_name = $2 ORDER BY id",
        {database, slot});
    if (rows.rows() == 0)
        throw Error(Disposition::stop,
                    fmt::format("{} has no source with database \"{}\" and slot \"{}\"",
                                destination.where(), database, slot),
                    "run \"waltrail init\", or name the slot that was prepared with --slot");
    if (rows.rows() > 1)
        throw Error(Disposition::stop,
                    fmt::format("{} has {} sources with database \"{}\" and slot \"{}\"",
                                destination.where(), rows.rows(), database, slot),
                    "give each source a slot name of its own");
    progress.source_id = number<int>(rows.text(0, 0));
    progress.label = rows.string(0, 1);
    progress.system_identifier = static_cast<uint64_t>(number<int64_t>(rows.text(0, 2)));
    progress.database_oid = number<uint32_t>(rows.text(0, 3));
}

// PostgreSQL's timestamptz as microseconds since 2000 travels as text of a bigint.
constexpr const char *ranges_sql =
    "SELECT start_lsn, end_lsn, timeline, last_commit_lsn, last_end_lsn, last_transaction_id, "
    "pg_catalog.round((extract(epoch FROM last_committed_at) - 946684800) * "
    "1000000)::pg_catalog.int8, "
    "pg_catalog.floor((extract(epoch FROM coalesce(source_time, "
    "CASE WHEN last_committed_at IS NULL THEN recorded_at END)) - 946684800) * "
    "1000000)::pg_catalog.int8 "
    "FROM changes.applied WHERE source_id = $1 ORDER BY start_lsn";

// With no commit, or no time of the source, what is there stays.
constexpr size_t advance_parameters = 11;
constexpr const char *advance_sql = R"(
UPDATE changes.applied SET
    end_lsn = $3, timeline = $4, changes = changes + $5, marked = marked + $6,
    recorded_at = pg_catalog.clock_timestamp(),
    last_commit_lsn = coalesce($7, last_commit_lsn),
    last_end_lsn = coalesce($8, last_end_lsn),
    last_transaction_id = coalesce($9, last_transaction_id),
    last_committed_at = coalesce('2000-01-01 00:00:00+00'::pg_catalog.timestamptz
                                 + $10::pg_catalog.int8 * '1 microsecond'::pg_catalog.interval, last_committed_at),
    source_time = coalesce('2000-01-01 00:00:00+00'::pg_catalog.timestamptz
                           + $11::pg_catalog.int8 * '1 microsecond'::pg_catalog.interval, source_time)
 WHERE source_id = $1 AND end_lsn = $2
RETURNING pg_catalog.floor((extract(epoch FROM pg_catalog.clock_timestamp()) - 946684800) * 1000000)::pg_catalog.int8)";

void take_contiguous(const Result &rows, int row, Progress &progress) {
    progress.recorded_end = lsn_of(rows.text(row, 1));
    progress.timeline = number<uint32_t>(rows.text(row, 2));
    if (!rows.is_null(row, 7)) progress.source_time = {number<int64_t>(rows.text(row, 7))};
    if (rows.is_null(row, 3)) return;
    progress.last_commit = wire::Transaction{{number<uint64_t>(rows.text(row, 5))},
                                             lsn_of(rows.text(row, 3)),
                                             lsn_of(rows.text(row, 4)),
                                             {number<int64_t>(rows.text(row, 6))}};
}

} // namespace

void require_trail(PostgresConnection &destination) {
    Result version = destination.execute(
        "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'waltrail'");
    if (version.rows() == 0)
        throw Error(Disposition::stop,
                    fmt::format("extension \"waltrail\" is missing in {}", destination.where()),
                    "run \"waltrail init\", or CREATE EXTENSION waltrail CASCADE and SELECT "
                    "changes.setup()");
    if (version.text(0, 0) != WALTRAIL_VERSION)
        throw Error(
            Disposition::stop,
            fmt::format("extension \"waltrail\" in {} is version {}, this program is {}",
                        destination.where(), version.text(0, 0), WALTRAIL_VERSION),
            "install the same version on both, then ALTER EXTENSION waltrail UPDATE and SELECT "
            "changes.setup()");
    // Not to_regclass(), which fails for a role without a right on the schema.
    Result tables = destination.execute(
        "SELECT FROM pg_catalog.pg_class AS c "
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE (n.nspname, c.relname) IN (('changes', 'applied'), ('public', 'changes'))");
    if (tables.rows() != 2)
        throw Error(Disposition::stop,
                    fmt::format("the table \"changes\" is missing in {}", destination.where()),
                    "run \"waltrail init\", or SELECT changes.setup()");
    // The newest column that apply writes: setup() adds what an earlier version did not make.
    Result columns = destination.execute(
        "SELECT FROM pg_catalog.pg_attribute AS a "
        "JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid "
        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE (n.nspname, c.relname, a.attname) = ('changes', 'applied', 'source_time') "
        "AND NOT a.attisdropped");
    if (columns.rows() != 1)
        throw Error(Disposition::stop,
                    fmt::format("the trail in {} is of an earlier version", destination.where()),
                    "SELECT changes.setup() completes it, and keeps its data");
}

Progress find_source(PostgresConnection &destination, const std::string &database,
                     const std::string &slot) {
    Progress progress;
    read_source(destination, database, slot, progress);
    return progress;
}

void read_progress(PostgresConnection &destination, Progress &progress) {
    Result rows = destination.execute(ranges_sql, {std::to_string(progress.source_id)});
    if (rows.rows() == 0)
        throw Error(Disposition::stop,
                    fmt::format("{} has no recorded position for source \"{}\"",
                                destination.where(), progress.label),
                    "changes.applied was emptied: where the trail ends is not known; run "
                    "\"waltrail init\" with another --slot and --label");
    for (int row = 0; row < rows.rows(); row++) {
        Lsn start = lsn_of(rows.text(row, 0));
        if (row == 0 || start == progress.recorded_end)
            take_contiguous(rows, row, progress);
        else
            progress.beyond.push_back({start, lsn_of(rows.text(row, 1))});
    }
}

wire::Timestamp record_advance(PostgresConnection &destination, const Progress &progress,
                               const Advance &advance) {
    std::vector<Parameter> parameters{std::to_string(progress.source_id),
                                      lsn_text(advance.from),
                                      lsn_text(advance.to),
                                      std::to_string(advance.timeline),
                                      std::to_string(advance.changes),
                                      std::to_string(advance.marked)};
    parameters.resize(advance_parameters);
    if (advance.last_commit) {
        const wire::Transaction &commit = *advance.last_commit;
        parameters[6] = lsn_text(commit.commit_lsn);
        parameters[7] = lsn_text(commit.end_lsn);
        parameters[8] = std::to_string(commit.xid.value);
        parameters[9] = std::to_string(commit.committed_at.microseconds);
    }
    if (advance.source_time) parameters[10] = std::to_string(advance.source_time->microseconds);
    Result updated = destination.execute_prepared(advance_sql, parameters);
    if (updated.affected() != 1)
        throw Error(Disposition::reconnect,
                    fmt::format("{}: the recorded position of source \"{}\" is no longer {}",
                                destination.where(), progress.label, lsn_text(advance.from)),
                    "another apply process writes for the same source: run only one", "",
                    destination.end());
    return {number<int64_t>(updated.text(0, 0))};
}

wire::Timestamp confirm_progress(PostgresConnection &destination, const Progress &progress) {
    destination.execute("BEGIN");
    wire::Timestamp now = record_advance(
        destination, progress,
        {progress.recorded_end, progress.recorded_end, progress.timeline, {}, 0, 0, {}});
    commit_durably(destination);
    return now;
}

void commit_durably(PostgresConnection &destination) {
    (void)destination.take_warnings();
    destination.execute("COMMIT");
    std::vector<std::string> warnings = destination.take_warnings();
    if (!warnings.empty())
        throw Error(Disposition::reconnect,
                    fmt::format("{}: commit not certain: {}", destination.where(), warnings[0]), "",
                    "", destination.end());
}

} // namespace waltrail

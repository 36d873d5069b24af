#include "apply/truncations.hpp"

#include "apply/record_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace waltrail {

namespace {

// Of these one at least was seen by any snapshot that is still asked about: a TRUNCATE alters the table, and a row that was read before it is not
// told (require_unaltered()).
constexpr int newest_truncates_max = 1000;

// A name is looked up by itself, newest first: so a table of thousands of partitions is one short plan.
constexpr const char *truncates_sql = R"(
SELECT c.position, c.transaction_id
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS s (schema, "table", first, until)
 CROSS JOIN LATERAL (
       SELECT c.position, c.transaction_id FROM {0} AS c
        WHERE c."table" = s."table" AND c.schema = s.schema AND c.database = $5 AND c.primary_key IS NULL AND c.operation = 'TRUNCATE'
          AND c.position >= s.first AND c.position < s.until
        ORDER BY c.position DESC LIMIT {1}) AS c
 ORDER BY c.position DESC LIMIT {1})";

uint64_t number(const Result &rows, int row, int column) {
    return std::strtoull(rows.string(row, column).c_str(), nullptr, 10);
}

std::vector<NotedTruncate> read(PostgresConnection &destination, const std::string &relation,
                                const std::string &label, const std::vector<NamedStretch> &names) {
    if (names.empty()) return {};
    std::vector<std::optional<std::string>> schemas, tables, first, until;
    for (const NamedStretch &name : names) {
        schemas.push_back(name.schema);
        tables.push_back(name.table);
        first.push_back(std::to_string(name.from));
        until.push_back(std::to_string(name.until));
    }
    Result rows = destination.execute(
        fmt::format(truncates_sql, relation, newest_truncates_max),
        {text_array(schemas), text_array(tables), text_array(first), text_array(until), label});
    std::vector<NotedTruncate> found;
    for (int row = 0; row < rows.rows(); row++)
        found.push_back({number(rows, row, 0), number(rows, row, 1)});
    return found;
}

uint64_t newest_seen(const std::vector<NotedTruncate> &truncates, const RowSnapshot &snapshot) {
    auto found = std::find_if(truncates.begin(), truncates.end(), [&](const NotedTruncate &one) {
        return has_seen(snapshot, one.transaction_id);
    });
    return found == truncates.end() ? 0 : found->position;
}

} // namespace

NewestTruncates Truncations::seen_by(const RowSnapshot &snapshot) const {
    return {newest_seen(of_table_, snapshot), newest_seen(of_partitions_, snapshot)};
}

uint64_t Truncations::newest() const {
    uint64_t newest = 0;
    for (const auto *truncates : {&of_table_, &of_partitions_})
        if (!truncates->empty()) newest = std::max(newest, truncates->front().position);
    return newest;
}

Truncations read_truncations(PostgresConnection &destination, const std::string &relation,
                             const std::string &label, const TableHistory &history) {
    if (history.stretches().empty()) return {};
    std::vector<NamedStretch> partitions;
    for (const auto &[schema, table] : history.partitions())
        partitions.push_back({schema, table, 0, no_end});
    return {read(destination, relation, label, history.stretches()),
            read(destination, relation, label, partitions)};
}

} // namespace waltrail

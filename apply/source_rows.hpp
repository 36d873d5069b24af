// Reads the rows of one table of the source in ranges of its primary key. Each range is one statement: its snapshot is held for no longer,
// so that vacuum is never kept waiting, and no writer is.
#pragma once

#include "apply/row_snapshot.hpp"
#include "apply/verified_table.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace waltrail {

struct SourceRow {
    std::optional<std::string> key; // as the trail's primary_key; none: it is too long for that
    std::optional<std::string> row; // JSON; none: the server could not write it
    std::optional<uint32_t> xmin;
};

struct SourceRange {
    std::vector<SourceRow> rows;
    std::shared_ptr<const RowSnapshot> snapshot; // of all rows; null where there are none
};

// A key without a row, and the moment of which that was true.
struct AbsentKey {
    size_t place; // among those that were asked for
    std::shared_ptr<const RowSnapshot> snapshot;
};

// Settings under which values and keys look as in the trail (docs/values.md), and no row is hidden by a policy. Needs pin_session().
void pin_rendering(PostgresConnection &source);

class SourceRows {
  public:
    SourceRows(PostgresConnection &source, const VerifiedTable &table, size_t range_rows_max)
        : source_(source), table_(table), range_rows_max_(range_rows_max) {}

    // The next range, in the order of the key; without rows at the end. What of a row the server refuses to write is left out of it:
    // first its json, then all but its key.
    [[nodiscard]] SourceRange next();
    // Those of the keys, as the trail has them, that have no row. One that is no value of the key's types has none. Those of one statement
    // share their snapshot.
    [[nodiscard]] std::vector<AbsentKey> absent(std::span<const std::string> keys);

  private:
    enum class Extent { whole, without_json, key_only };

    [[nodiscard]] std::string range_sql(Extent extent, size_t limit) const;
    [[nodiscard]] std::string row_expression(Extent extent) const;
    [[nodiscard]] std::string behind_last() const;
    [[nodiscard]] std::string absent_sql() const;
    [[nodiscard]] Result read_next(size_t &limit);
    [[nodiscard]] std::vector<AbsentKey> absent_by_halves(std::span<const std::string> keys);
    void adapt(size_t rows, size_t bytes);

    PostgresConnection &source_;
    const VerifiedTable &table_;
    size_t range_rows_max_;
    size_t limit_ = range_rows_first;
    std::vector<std::string> last_; // the key of the last row that was read, by column
    bool at_end_ = false;

    static constexpr size_t range_rows_first = 64;
    static constexpr size_t range_bytes_usual = size_t{8} << 20;
};

} // namespace waltrail

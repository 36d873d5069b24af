#include "apply/column_layout.hpp"

#include "apply/row_snapshot.hpp"
#include "apply/shown_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

namespace waltrail {

namespace {

constexpr const char *layouts_sql = R"(
SELECT a.attrelid, CASE WHEN NOT a.attisdropped THEN a.attname END, a.xmin, pg_snapshot_xmax(pg_current_snapshot())
  FROM pg_attribute AS a WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 ORDER BY a.attrelid, a.attnum)";

uint64_t number(const Result &rows, int row, int column) {
    return std::strtoull(rows.string(row, column).c_str(), nullptr, 10);
}

bool contains(const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

ColumnLayouts read_layouts(PostgresConnection &source, const std::set<uint32_t> &tables) {
    Result rows = source.execute(layouts_sql, {fmt::format("{{{}}}", fmt::join(tables, ","))});
    ColumnLayouts layouts;
    std::shared_ptr<const ColumnLayout> last; // most partitions look like the one before
    for (int row = 0; row < rows.rows();) {
        auto table = static_cast<uint32_t>(number(rows, row, 0));
        auto layout = std::make_shared<ColumnLayout>();
        for (; row < rows.rows() && number(rows, row, 0) == table; row++)
            layout->push_back(
                {rows.is_null(row, 1) ? "" : shown_text(rows.text(row, 1)),
                 newest_xid(static_cast<uint32_t>(number(rows, row, 2)), number(rows, row, 3))});
        if (!last || *last != *layout) last = std::move(layout);
        layouts[table] = last;
    }
    return layouts;
}

bool is_same_column(const std::vector<std::string> &recorded, const ColumnLayout &layout,
                    const std::string &name, uint64_t transaction_id) {
    auto found = std::find(recorded.begin(), recorded.end(), name);
    auto place = static_cast<size_t>(found - recorded.begin());
    size_t certain = 0, possible = 0; // columns in front of it then
    for (const LaidColumn &column : layout) {
        bool may_be_altered_since = column.altered_by >= transaction_id;
        if (column.name == name)
            return place >= certain && place <= possible &&
                   (certain == possible || !may_be_altered_since);
        bool is_dropped = column.name.empty();
        certain += !is_dropped && contains(recorded, column.name);
        possible += !is_dropped || may_be_altered_since;
    }
    return false;
}

} // namespace waltrail

#include "apply/row_comparison.hpp"

#include "wire/json_members.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <unordered_map>

namespace waltrail {

namespace {

using Members = std::unordered_map<std::string_view, std::string_view>;

Members members_of(std::string_view object) {
    Members members;
    wire::JsonMembers walk(object);
    for (wire::JsonMember member; walk.next(member);) members.emplace(member.name, member.value);
    return members;
}

// As escape_json() of the server writes it.
std::string written_name(const std::string &name) {
    return nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::string_view> find(const Members &members, const std::string &written) {
    auto found = members.find(written);
    if (found == members.end()) return std::nullopt;
    return found->second;
}

// Whether the change may have been made in a table of this shape. A partition that has not changed for long has a shape that is not its own any
// more, and changes of others do not fit it.
bool may_have_made(const RecordedShape &shape, const TrailChange &change, const Members &trail) {
    bool is_whole = shape.is_full || change.operation == "CREATE";
    size_t found = 0;
    for (const std::string &column : shape.columns) {
        bool is_there = trail.contains(written_name(column));
        if (!is_there && is_whole && !change.unreadable.contains(column)) return false;
        found += is_there;
    }
    return found == trail.size();
}

// Of which the change tells: it was the same column, of the same type.
bool is_unaltered(const std::vector<const RecordedShape *> &shapes, const TrailChange &change,
                  const Members &trail, const ComparedColumn &column) {
    return std::all_of(shapes.begin(), shapes.end(), [&](const RecordedShape *shape) {
        auto type = shape->types.find(column.name);
        if (type == shape->types.end()) return true;
        if (type->second != column.type) return false;
        return !shape->layout ||
               is_same_column(shape->columns, *shape->layout, column.name, change.transaction_id) ||
               (shapes.size() > 1 && !may_have_made(*shape, change, trail));
    });
}

// A CREATE holds every column, and so does an UPDATE where the WAL has the whole old row.
bool must_hold(const std::vector<const RecordedShape *> &shapes, const TrailChange &change,
               const ComparedColumn &column) {
    return !shapes.empty() &&
           std::all_of(shapes.begin(), shapes.end(), [&](const RecordedShape *shape) {
               return shape->types.contains(column.name) &&
                      (shape->is_full || change.operation == "CREATE");
           });
}

bool is_same(const ComparedColumn &column, std::string_view source, std::string_view trail) {
    if (column.by_presence) return (source == "null") == (trail == "null");
    return source == trail;
}

} // namespace

RowDifference compare_row(std::string_view source_row, const TrailChange &change,
                          const std::vector<ComparedColumn> &columns,
                          const std::vector<const RecordedShape *> &shapes) {
    RowDifference difference;
    if (source_row == change.after) return difference;
    Members source = members_of(source_row), trail = members_of(change.after);
    for (const ComparedColumn &column : columns) {
        std::string written = written_name(column.name);
        auto here = find(source, written), there = find(trail, written);
        if (!here && !there) continue;
        bool is_told =
            here && !change.unreadable.contains(column.name) &&
            (there ? is_same(column, *here, *there) || is_unaltered(shapes, change, trail, column)
                   : must_hold(shapes, change, column));
        if (!is_told)
            difference.skipped.push_back(column.name);
        else if (!there || !is_same(column, *here, *there))
            difference.columns.push_back(column.name);
    }
    return difference;
}

std::optional<std::string_view> json_member(std::string_view object, const std::string &name) {
    return find(members_of(object), written_name(name));
}

} // namespace waltrail

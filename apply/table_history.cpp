#include "apply/table_history.hpp"

#include <algorithm>

namespace waltrail {

namespace {

std::string_view key_family(std::string_view type) {
    type = type.substr(0, type.find('('));
    if (type == "smallint" || type == "integer" || type == "bigint") return "integer";
    if (type == "text" || type == "character varying") return "text";
    return type;
}

// The columns of a key in their order may have other names: one of which another column has the name now, or had it then, is
// another one.
bool has_same_key(const RecordedShape &shape, const PresentTable &table) {
    if (shape.key.size() != table.key.size()) return false;
    for (size_t i = 0; i < shape.key.size(); i++) {
        const std::string &then = shape.key[i], &now = table.key[i];
        if (then != now && (table.types.contains(then) || shape.types.contains(now))) return false;
        auto old_type = shape.types.find(then), new_type = table.types.find(now);
        if (old_type == shape.types.end() || new_type == table.types.end()) return false;
        if (shape.masked.contains(then) || !is_same_key_type(old_type->second, new_type->second))
            return false;
    }
    return true;
}

bool is_named(const RecordedShape &shape, const std::string &schema, const std::string &table) {
    return shape.schema == schema && shape.table == table;
}

} // namespace

bool is_same_key_type(std::string_view type, std::string_view other) {
    return key_family(type) == key_family(other);
}

TableHistory::TableHistory(const PresentTable &table, std::vector<RecordedShape> shapes)
    : shapes_(std::move(shapes)) {
    std::stable_sort(shapes_.begin(), shapes_.end(), [](const auto &a, const auto &b) {
        return a.from_position < b.from_position;
    });
    take_members(table);
    std::set<std::pair<std::string, std::string>> names;
    for (const RecordedShape &shape : shapes_)
        if (table.members.contains(shape.relation_oid)) names.emplace(shape.schema, shape.table);
    for (const auto &[schema, name] : names) find_stretches(table, schema, name);
}

void TableHistory::take_members(const PresentTable &table) {
    for (const RecordedShape &shape : shapes_) {
        bool is_member = table.members.contains(shape.relation_oid);
        bool is_partition = !is_named(shape, shape.leaf_schema, shape.leaf_table);
        if (!is_member && is_partition && is_named(shape, table.schema, table.table))
            lost_partitions_.insert(shape.leaf_schema + "." + shape.leaf_table);
        if (!is_member) continue;
        if (is_partition) partitions_.emplace(shape.leaf_schema, shape.leaf_table);
        // A partitioned table has a shape of its own where it was truncated; its rows are its partitions'.
        if (table.is_partitioned && shape.relation_oid == table.oid) continue;
        of_member_[shape.relation_oid].push_back(&shape);
        masked_.insert(shape.masked.begin(), shape.masked.end());
        for (const auto &[column, type] : shape.types) columns_.insert(column);
        if (!has_same_key(shape, table)) {
            has_other_keys_ = true;
            continue;
        }
        for (const std::string &column : shape.key)
            identity_tells_key_ &= shape.identity.contains(column);
    }
}

// | shape under the name, by position     | an ordinary table          | a partitioned one                                  |
// |---------------------------------------|----------------------------|----------------------------------------------------|
// | a member's, with the present key      | a stretch begins           | a stretch begins                                   |
// | a member's, with another key          | it ends                    | it ends                                            |
// | another table's                       | it ends                    | it ends, unless the name is still the table's: a partition that is gone |
// | (a member's, under another name)      | it ends                    | it goes on: other partitions may be found there    |
void TableHistory::find_stretches(const PresentTable &table, const std::string &schema,
                                  const std::string &name) {
    bool is_present_name = schema == table.schema && name == table.table;
    uint64_t from = no_end; // of the stretch that has begun
    auto end_at = [&](uint64_t until) {
        if (until > from) stretches_.push_back({schema, name, from, until});
        from = no_end;
    };
    for (const RecordedShape &shape : shapes_) {
        bool is_member = table.members.contains(shape.relation_oid);
        bool has_name = is_named(shape, schema, name);
        if (is_member && has_name && has_same_key(shape, table)) {
            from = std::min(from, shape.from_position);
        } else if (is_member ? has_name || !table.is_partitioned
                             : has_name && !(table.is_partitioned && is_present_name)) {
            end_at(shape.from_position);
        }
    }
    end_at(no_end);
}

std::vector<const RecordedShape *> TableHistory::shapes_at(uint64_t position) const {
    std::vector<const RecordedShape *> found;
    for (const auto &[oid, shapes] : of_member_) {
        const RecordedShape *latest = nullptr;
        for (const RecordedShape *shape : shapes)
            if (shape->from_position <= position) latest = shape;
        if (latest != nullptr) found.push_back(latest);
    }
    return found;
}

} // namespace waltrail

// What the trail knows of one table of the source: under which names its changes stand, and what it looked like when. Made of the rows of
// changes.relations; it asks nobody.
//
// A name is not a table. What another table had written under a name before this one got it, and what this one wrote while its key was
// of other columns, says nothing about its rows.
#pragma once

#include "apply/column_layout.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waltrail {

// A row of changes.relations.
struct RecordedShape {
    uint32_t relation_oid = 0;
    uint64_t from_position = 0;
    std::string schema, table;                // as the trail names it: the root
    std::string leaf_schema, leaf_table;      // itself
    bool is_full = false;                     // REPLICA IDENTITY FULL
    std::map<std::string, std::string> types; // of its columns
    std::vector<std::string> columns;         // in their order
    std::set<std::string> identity;           // columns of the old row in the WAL
    std::set<std::string> masked;
    std::vector<std::string> key;
    std::shared_ptr<const ColumnLayout> layout; // of the table now; null: not known
};

// Positions from `from` on, before `until`, at which changes under the name are of the table.
struct NamedStretch {
    std::string schema, table;
    uint64_t from = 0;
    uint64_t until = 0;

    bool operator==(const NamedStretch &) const = default;
};

inline constexpr uint64_t no_end = INT64_MAX;

// The table as it is now, with the names that the trail would have for it.
struct PresentTable {
    uint32_t oid = 0;
    std::string schema, table;
    bool is_partitioned = false;
    std::set<uint32_t> members;               // the table, or its partitions and itself
    std::map<std::string, std::string> types; // of its columns
    std::vector<std::string> key;

    bool operator==(const PresentTable &) const = default;
};

// Whether values of both types have the same text as a key: without a length, and one family of integers or texts.
[[nodiscard]] bool is_same_key_type(std::string_view type, std::string_view other);

class TableHistory {
  public:
    TableHistory() = default;
    TableHistory(TableHistory &&) = default;
    TableHistory &operator=(TableHistory &&) = default;
    TableHistory(const TableHistory &) = delete; // what it points to is its own
    TableHistory &operator=(const TableHistory &) = delete;
    // `shapes`: of all members, and of all other tables that had one of the members' names.
    TableHistory(const PresentTable &table, std::vector<RecordedShape> shapes);

    [[nodiscard]] const std::vector<NamedStretch> &stretches() const { return stretches_; }
    // Of each member the shape that it had at a position, where one is known: which of them a change was made in is not.
    [[nodiscard]] std::vector<const RecordedShape *> shapes_at(uint64_t position) const;
    // Whether each DELETE, and each UPDATE that gives a row another key, tells which row it was.
    [[nodiscard]] bool identity_tells_key() const { return identity_tells_key_; }
    // Whether changes of it stand under keys of other columns, which cannot be looked up by the present ones.
    [[nodiscard]] bool has_other_keys() const { return has_other_keys_; }
    // Columns that have been masked at some time.
    [[nodiscard]] const std::set<std::string> &masked() const { return masked_; }
    // Columns that the trail has had at some time; empty where it does not know the table.
    [[nodiscard]] const std::set<std::string> &columns() const { return columns_; }
    // Names of partitions, schema and table, under which a TRUNCATE of one alone stands.
    [[nodiscard]] const std::set<std::pair<std::string, std::string>> &partitions() const {
        return partitions_;
    }
    // Quoted names of partitions with changes that are no longer the table's.
    [[nodiscard]] const std::set<std::string> &lost_partitions() const { return lost_partitions_; }

  private:
    void find_stretches(const PresentTable &table, const std::string &schema,
                        const std::string &name);
    void take_members(const PresentTable &table);

    std::vector<RecordedShape> shapes_; // by position
    std::map<uint32_t, std::vector<const RecordedShape *>> of_member_;
    std::vector<NamedStretch> stretches_;
    bool identity_tells_key_ = true;
    bool has_other_keys_ = false;
    std::set<std::string> masked_, columns_, lost_partitions_;
    std::set<std::pair<std::string, std::string>> partitions_;
};

} // namespace waltrail

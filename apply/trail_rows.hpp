// Reads what the trail of one source has about one table: its shapes, the newest changes of some keys, and which keys it has changes of. Every
// look-up goes by the index on ("table", primary_key, position), or for a row that has left its key by the one on `before`.
#pragma once

#include "apply/postgres.hpp"
#include "apply/row_snapshot.hpp"
#include "apply/row_verdict.hpp"
#include "apply/table_history.hpp"
#include "apply/truncations.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace waltrail {

// What the trail of a source is, apart from its tables.
struct SourceTrail {
    int source_id = 0;
    std::string label;
    std::string relation; // which the role reads: changes.readable()
    // A transaction with this id or a later one is in the trail whole; none: that is not known.
    std::optional<uint64_t> known_from_xid;
};

// Throws where the role may not read all of it.
[[nodiscard]] SourceTrail read_source_trail(PostgresConnection &destination, int source_id,
                                            const std::string &label);

struct TrailKey {
    std::string key;
    // Its newest change, which is under this name and later than any TRUNCATE, made or changed one.
    bool has_row = false;
};

// A key and the JSON of its columns, of a change at a position.
struct LeftKey {
    std::string json;
    uint64_t position = 0;
};

class TrailRows {
  public:
    TrailRows(PostgresConnection &destination, const SourceTrail &trail, const PresentTable &table);

    [[nodiscard]] const TableHistory &history() const { return history_; }
    // Again: shapes and TRUNCATEs may have been recorded since.
    void read_history();
    // What the table's columns and its partitions' are now; for the history that is read next.
    void set_layouts(ColumnLayouts layouts) { layouts_ = std::move(layouts); }
    [[nodiscard]] bool has_layouts() const { return !layouts_.empty(); }
    // Of the first keys, one at least and no more than changes_bytes_max of rows allow, for each its newest change that the snapshot has seen;
    // with `by_time` the newest by commit time too, where that is another one. So many keys were asked for as there are elements.
    [[nodiscard]] std::vector<std::vector<TrailChange>>
    newest(std::span<const std::string> keys, const RowSnapshot &snapshot, bool by_time);
    [[nodiscard]] const Truncations &truncations() const { return truncations_; }
    // Whether after its position an UPDATE has taken a row from the key to another.
    [[nodiscard]] std::vector<bool> has_left(const std::vector<LeftKey> &keys,
                                             const RowSnapshot &snapshot);
    // The next keys that the trail has changes of, at most so many, each once for each of the table's names; empty at the end.
    [[nodiscard]] std::vector<TrailKey> next_keys(size_t count);
    // Changes of the table that are in quarantine, and erasures that took out whole rows.
    [[nodiscard]] uint64_t quarantined();
    [[nodiscard]] uint64_t erasures();

  private:
    [[nodiscard]] std::string condition() const;
    [[nodiscard]] std::string newest_sql(const RowSnapshot &snapshot, bool by_time) const;
    [[nodiscard]] std::string has_later_change() const; // than `k` has, a key under one name

    PostgresConnection &destination_;
    const SourceTrail &trail_;
    const PresentTable &table_;
    ColumnLayouts layouts_;
    TableHistory history_;
    Truncations truncations_;
    size_t keys_max_ = keys_first; // that newest() asks for: as many as were answered lately
    size_t stretch_ = 0;           // of next_keys()
    std::optional<std::string> last_key_;

    static constexpr size_t keys_first = 64;
    // Of JSON in one answer. A row may be longer in the trail than it is at the source: a column was dropped since.
    static constexpr size_t changes_bytes_max = size_t{8} << 20;
};

} // namespace waltrail

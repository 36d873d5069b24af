// What goes to changes.relations: what a table looked like from which position on, with the batch that first uses it.
#pragma once

#include "apply/postgres.hpp"
#include "wire/types.hpp"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace waltrail {

// The columns of one row of changes.relations.
using RelationRecord = std::vector<Parameter>;

// Inside a batch's transaction. A relation that already stands there with this shape as its newest adds nothing.
void write_relations(PostgresConnection &destination, const std::vector<RelationRecord> &records);

class RelationLog {
  public:
    explicit RelationLog(int source_id) : source_id_(source_id) {}

    // Remembers the relation for the next take_pending() if its description has not been met in this stream, or not at so low a
    // position: transactions come in the order of their commits, positions do not; or if another table had its name
    // meanwhile. Whether the description is met for the first time.
    [[nodiscard]] bool note(uint64_t description_id, const wire::Relation &relation,
                            wire::Lsn position) {
        if (description_id == newest_id_ && position >= newest_lowest_) return false;
        return note_other(description_id, relation, position);
    }
    [[nodiscard]] std::vector<RelationRecord> take_pending() { return std::exchange(pending_, {}); }

  private:
    bool note_other(uint64_t description_id, const wire::Relation &relation, wire::Lsn position);

    int source_id_;
    struct Known {
        wire::Lsn lowest{};
        uint32_t *oid_of_name = nullptr; // in oids_of_names_
    };

    std::unordered_map<uint64_t, Known> known_; // by description
    std::map<std::pair<std::string, std::string>, uint32_t>
        oids_of_names_;      // which table had the name last
    uint64_t newest_id_ = 0; // the description asked for last, and its lowest position
    wire::Lsn newest_lowest_{};
    std::vector<RelationRecord> pending_;
};

} // namespace waltrail

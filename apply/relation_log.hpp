// Writes changes.relations: what a table looked like from which position on, in the batch that first uses it.
#pragma once

#include "apply/postgres.hpp"
#include "wire/types.hpp"

#include <string>
#include <unordered_set>
#include <vector>

namespace waltrail {

class RelationLog {
  public:
    explicit RelationLog(int source_id) : source_id_(source_id) {}

    // Remembers the relation for the next write() if its description has not been met in this stream.
    void note(uint64_t description_id, const wire::Relation &relation, wire::Lsn first_position);
    // Inside the batch's transaction. A relation that already stands there with this shape as its newest adds nothing.
    void write(PostgresConnection &destination);

  private:
    int source_id_;
    std::unordered_set<uint64_t> met_;
    std::vector<std::vector<Parameter>> pending_;
};

} // namespace waltrail

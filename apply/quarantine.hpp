// Rows that the destination refuses, or would refuse. COPY names the row it stopped at and is rolled back; the row is remembered here by its
// place in the source's transaction, the stream is opened again at the recorded end, and when the row comes again it goes to
// changes.quarantine instead of the COPY. A row too large for the destination goes there at once.
#pragma once

#include "apply/postgres.hpp"
#include "wire/stream_reader.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace waltrail {

// A change's place: its transaction, and its number among the changes received for that transaction, from 0.
struct ChangePlace {
    wire::Lsn commit_lsn;
    uint64_t ordinal = 0;
    friend auto operator<=>(const ChangePlace &, const ChangePlace &) = default;
};

struct Refusal {
    std::string sqlstate;
    std::string message;
};

// Lives as long as the process, across streams.
using RefusedRows = std::map<ChangePlace, Refusal>;

// Thrown by the writer; the supervisor adds it to RefusedRows and opens the stream again.
class RowRefused : public Error {
  public:
    RowRefused(const ChangePlace &place, Refusal refusal)
        : Error(Disposition::row, refusal.message, "", refusal.sqlstate), place(place),
          refusal(std::move(refusal)) {}
    ChangePlace place;
    Refusal refusal;
};

// A change on its way to changes.quarantine.
struct QuarantineEntry {
    std::vector<Parameter> columns; // up to the refusal
    Refusal refusal;
    std::vector<std::string> parts; // whole frames each, on rows of their own
};

// The change that `reader` has just yielded.
[[nodiscard]] QuarantineEntry quarantine_entry(int source_id, const wire::StreamReader &reader,
                                               Refusal refusal);
// Inside the batch's transaction.
void write_quarantine(PostgresConnection &destination, const QuarantineEntry &entry);

} // namespace waltrail

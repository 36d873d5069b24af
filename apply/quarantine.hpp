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

class QuarantineLog {
  public:
    explicit QuarantineLog(int source_id) : source_id_(source_id) {}
    // Remembers the change that `reader` has just yielded, for the next write().
    void note(const wire::StreamReader &reader, const Refusal &refusal);
    // Inside the batch's transaction; answers how many rows were written.
    size_t write(PostgresConnection &destination);

  private:
    // A message of the protocol has room for 1 GB, and a change may be longer: its frames are divided over rows.
    static constexpr size_t part_bytes_max = size_t{64} << 20;
    struct Entry {
        std::vector<Parameter> columns; // all but part and frame
        std::vector<std::string> parts; // whole frames each
        void take_frame(std::string_view header, std::string_view payload);
    };
    int source_id_;
    std::vector<Entry> pending_;
};

} // namespace waltrail

// One COPY … FROM STDIN (FORMAT binary) into `changes`, streamed in pieces, so that a transaction of any size needs the
// memory of one piece.
#pragma once

#include "apply/postgres.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace waltrail {

// The destination refused the COPY. `row` counts from 1 within the COPY; none when the server did not say.
struct CopyRefusal {
    Error error;
    std::optional<uint64_t> row;
};

class CopyStream {
  public:
    // Begins the COPY; `before` are statements that go to the server with it.
    explicit CopyStream(PostgresConnection &destination, std::string_view before = "");
    CopyStream(const CopyStream &) = delete;
    CopyStream &operator=(const CopyStream &) = delete;

    // Whole rows or parts of them (change_row.hpp).
    void send(std::string_view bytes);
    // Ends the COPY; nullopt when the destination took every row.
    [[nodiscard]] std::optional<CopyRefusal> finish();

  private:
    PostgresConnection &destination_;
};

} // namespace waltrail

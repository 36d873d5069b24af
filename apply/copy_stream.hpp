// One COPY … FROM STDIN (FORMAT binary) into `changes`, streamed in pieces, so that a transaction of any size needs the
// memory of one piece.
#pragma once

#include "apply/postgres.hpp"
#include "wire/memory.hpp"

#include <optional>

namespace waltrail {

// The destination refused the COPY. `row` counts from 1 within the COPY; none when the server did not say.
struct CopyRefusal {
    Error error;
    std::optional<uint64_t> row;
};

class CopyStream {
  public:
    CopyStream();
    ~CopyStream() { buffer_.release(); }
    CopyStream(const CopyStream &) = delete;
    CopyStream &operator=(const CopyStream &) = delete;

    void begin(PostgresConnection &destination);
    // Append rows here, then call send_if_full().
    wire::Buffer &buffer() { return buffer_; }
    void send_if_full(PostgresConnection &destination) {
        if (buffer_.size >= piece_bytes) send(destination);
    }
    // Ends the COPY; nullopt when the destination took every row.
    [[nodiscard]] std::optional<CopyRefusal> finish(PostgresConnection &destination);

    [[nodiscard]] uint64_t bytes_sent() const { return bytes_sent_ + buffer_.size; }

  private:
    static constexpr size_t piece_bytes = size_t{64} << 10;
    void send(PostgresConnection &destination);

    wire::Buffer buffer_;
    uint64_t bytes_sent_ = 0;
};

} // namespace waltrail

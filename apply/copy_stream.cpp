#include "apply/copy_stream.hpp"

#include "apply/change_row.hpp"

#include <algorithm>
#include <charconv>

namespace waltrail {

namespace {

// The context of a COPY error ends with a line that names table and row: `COPY changes, line 17, column after`. (In the
// server's language, hence the first number in it. Lines before it may quote row contents, which must decide nothing; a
// binary COPY prints none in the last.)
std::optional<uint64_t> refused_row(const PGresult *result) {
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (context == nullptr) return std::nullopt;
    std::string_view text(context);
    text.remove_prefix(text.rfind('\n') + 1); // npos + 1 is 0
    if (text.find("COPY") == std::string_view::npos) return std::nullopt;
    size_t digit = text.find_first_of("0123456789");
    if (digit == std::string_view::npos) return std::nullopt;
    uint64_t row = 0;
    std::from_chars(text.data() + digit, text.data() + text.size(), row);
    return row == 0 ? std::nullopt : std::optional(row);
}

} // namespace

CopyStream::CopyStream() { buffer_.allocator = wire::process_allocator(); }

void CopyStream::begin(PostgresConnection &destination) {
    std::string command(copy_changes_sql);
    Result result(PQexec(destination.get(), command.c_str()));
    destination.check(result.get(), PGRES_COPY_IN, command);
    buffer_.clear();
    bytes_sent_ = 0;
    append_copy_header(buffer_);
}

void CopyStream::send(PostgresConnection &destination) {
    // libpq takes the length of one message as an int.
    constexpr size_t message_bytes_max = size_t{1} << 24;
    for (size_t at = 0; at < buffer_.size;) {
        size_t piece = std::min(buffer_.size - at, message_bytes_max);
        if (PQputCopyData(destination.get(), buffer_.data + at, static_cast<int>(piece)) != 1)
            throw destination.error(nullptr, "sending rows");
        at += piece;
    }
    bytes_sent_ += buffer_.size;
    buffer_.clear();
    if (buffer_.capacity > size_t{16} << 20) buffer_.release(); // after a huge row
}

std::optional<CopyRefusal> CopyStream::finish(PostgresConnection &destination) {
    append_copy_trailer(buffer_);
    send(destination);
    if (PQputCopyEnd(destination.get(), nullptr) != 1)
        throw destination.error(nullptr, "ending COPY");
    std::optional<CopyRefusal> refusal;
    while (PGresult *raw = PQgetResult(destination.get())) {
        Result result(raw);
        if (PQresultStatus(raw) == PGRES_COMMAND_OK) continue;
        if (!refusal) refusal = CopyRefusal{destination.error(raw, "COPY"), refused_row(raw)};
    }
    return refusal;
}

} // namespace waltrail

#include "apply/copy_stream.hpp"

#include "apply/change_row.hpp"

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

CopyStream::CopyStream(PostgresConnection &destination, std::string_view before)
    : destination_(destination) {
    std::string command(before);
    command += copy_changes_sql;
    Result result = destination.run(command);
    destination.check(result.get(), PGRES_COPY_IN, command);
    send(copy_header());
}

void CopyStream::send(std::string_view bytes) {
    // libpq takes the length of one message as an int.
    constexpr size_t message_bytes_max = size_t{1} << 24;
    while (!bytes.empty()) {
        std::string_view piece = bytes.substr(0, message_bytes_max);
        if (PQputCopyData(destination_.get(), piece.data(), static_cast<int>(piece.size())) != 1)
            throw destination_.error(nullptr, "sending rows");
        destination_.flush();
        bytes.remove_prefix(piece.size());
    }
}

std::optional<CopyRefusal> CopyStream::finish() {
    send(copy_trailer());
    if (PQputCopyEnd(destination_.get(), nullptr) != 1)
        throw destination_.error(nullptr, "ending COPY");
    std::optional<CopyRefusal> refusal;
    while (true) {
        Result result = destination_.next_result();
        if (result.get() == nullptr) break;
        if (refusal || PQresultStatus(result.get()) == PGRES_COMMAND_OK) continue;
        refusal = CopyRefusal{destination_.error(result.get(), "COPY"), refused_row(result.get())};
    }
    return refusal;
}

} // namespace waltrail

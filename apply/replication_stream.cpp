#include "apply/replication_stream.hpp"

#include "wire/cursor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <thread>

namespace waltrail {

namespace {

constexpr size_t data_header_bytes = 1 + 8 + 8 + 8; // 'w', start, end, send time
constexpr size_t keepalive_bytes = 1 + 8 + 8 + 1;   // 'k', end, send time, reply requested
constexpr int64_t postgres_epoch_s = 946'684'800;

uint64_t big_endian(const char *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
}

void append_big_endian(std::string &out, uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

uint64_t number(std::string_view text) {
    uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Lsn lsn_of(std::string_view text) { return parse_lsn(text).value_or(Lsn{}); }

// The replication grammar (repl_scanner.l) knows no E'…': a backslash is only that, and libpq's quoting would be refused.
std::string quote_option(std::string_view value) {
    std::string quoted = "'";
    for (char c : value) quoted.append(c == '\'' ? 2 : 1, c);
    return quoted + "'";
}

// The server converts the command to the encoding of the database. What it cannot convert can only be in a pattern.
bool is_of_encoding(std::string_view sqlstate) {
    constexpr std::string_view character_not_in_repertoire = "22021";
    constexpr std::string_view untranslatable_character = "22P05";
    return sqlstate == character_not_in_repertoire || sqlstate == untranslatable_character;
}

// A timeline history file: lines "timeline<tab>end LSN<tab>reason".
std::vector<TimelineSwitch> parse_history(std::string_view file) {
    std::vector<TimelineSwitch> history;
    while (!file.empty()) {
        size_t newline = file.find('\n');
        std::string_view line = file.substr(0, newline);
        file = newline == std::string_view::npos ? std::string_view{} : file.substr(newline + 1);
        size_t tab = line.find('\t');
        if (tab == std::string_view::npos) continue;
        std::string_view rest = line.substr(tab + 1);
        auto end = parse_lsn(rest.substr(0, rest.find('\t')));
        if (end) history.push_back({static_cast<uint32_t>(number(line.substr(0, tab))), *end});
    }
    return history;
}

} // namespace

ReplicationStream::ReplicationStream(const std::string &conninfo)
    : connection_(conninfo, "source", PostgresConnection::Mode::replication) {
    forbid_transaction_timeout(connection_);
}

SourceSystem ReplicationStream::identify() {
    SourceSystem system;
    Result identity = connection_.execute("IDENTIFY_SYSTEM");
    system.system_identifier = number(identity.text(0, 0));
    system.timeline = static_cast<uint32_t>(number(identity.text(0, 1)));
    system.flushed = lsn_of(identity.text(0, 2));
    system.database = identity.string(0, 3);
    Result details = connection_.execute(
        "SELECT d.oid, (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = "
        "'wal_sender_timeout') "
        "FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()");
    system.database_oid = static_cast<uint32_t>(number(details.text(0, 0)));
    system.sender_timeout = std::chrono::milliseconds(number(details.text(0, 1)));
    if (system.timeline > 1)
        system.history = parse_history(
            connection_.execute(fmt::format("TIMELINE_HISTORY {}", system.timeline)).text(0, 1));
    return system;
}

Lsn ReplicationStream::flushed_now() {
    // The WAL writer needs up to three times wal_writer_delay (200 ms). The insert position may stay a page header ahead of the
    // end of the last record, so the wait has an end.
    constexpr int attempts = 30;
    constexpr auto interval = std::chrono::milliseconds(50);
    if (connection_.execute("SELECT pg_catalog.pg_is_in_recovery()").text(0, 0) == "t")
        return lsn_of(connection_.execute("SELECT pg_catalog.pg_last_wal_replay_lsn()").text(0, 0));
    Lsn inserted =
        lsn_of(connection_.execute("SELECT pg_catalog.pg_current_wal_insert_lsn()").text(0, 0));
    Lsn flushed;
    for (int attempt = 0; attempt < attempts; attempt++) {
        flushed =
            lsn_of(connection_.execute("SELECT pg_catalog.pg_current_wal_flush_lsn()").text(0, 0));
        if (flushed >= inserted) break;
        std::this_thread::sleep_for(interval);
    }
    return flushed;
}

void ReplicationStream::start(const std::string &slot, Lsn from,
                              const std::map<std::string, std::string> &options) {
    std::string list;
    for (auto &[name, value] : options)
        list += fmt::format("{}{} {}", list.empty() ? "" : ", ", connection_.quote_identifier(name),
                            quote_option(value));
    std::string command = fmt::format("START_REPLICATION SLOT {} LOGICAL {} ({})",
                                      connection_.quote_identifier(slot), lsn_text(from), list);
    Result result = connection_.run(command);
    try {
        connection_.check(result.get(), PGRES_COPY_BOTH, command);
    } catch (const Error &error) {
        if (!is_of_encoding(error.sqlstate())) throw;
        throw Error(Disposition::stop, error.problem(),
                    "correct the pattern with these bytes: the source can have no such name",
                    error.sqlstate());
    }
}

std::optional<Delivery> ReplicationStream::receive() {
    char *bytes = nullptr;
    int size = PQgetCopyData(connection_.get(), &bytes, 1);
    if (size == 0) return std::nullopt;
    if (size < 0) throw ended();
    Delivery delivery;
    delivery.message.reset(bytes);
    auto length = static_cast<size_t>(size);
    if (bytes[0] == 'w' && length >= data_header_bytes) {
        delivery.frame = {bytes + data_header_bytes, length - data_header_bytes};
        delivery.position = {big_endian(bytes + 1)};
        return delivery;
    }
    if (bytes[0] == 'k' && length >= keepalive_bytes) {
        delivery.position = {big_endian(bytes + 1)};
        delivery.reply_requested = bytes[keepalive_bytes - 1] != 0;
        return delivery;
    }
    throw Error(Disposition::stop, fmt::format("{} sent a replication message of unknown type {}",
                                               connection_.where(), static_cast<int>(bytes[0])));
}

Error ReplicationStream::ended() {
    Result result(PQgetResult(connection_.get()));
    if (result.get() != nullptr && PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
        return connection_.error(result.get(), "streaming");
    if (PQstatus(connection_.get()) == CONNECTION_BAD)
        return connection_.error(nullptr, "streaming");
    return {Disposition::reconnect, fmt::format("{} ended the stream", connection_.where()), "", "",
            connection_.end()};
}

void ReplicationStream::wait(int wake_fd, std::chrono::milliseconds timeout) {
    pollfd fds[] = {{PQsocket(connection_.get()), POLLIN, 0}, {wake_fd, POLLIN, 0}};
    if (poll(fds, 2, static_cast<int>(timeout.count())) < 0 && errno != EINTR)
        throw Error(Disposition::reconnect, "could not wait for the source: poll() failed", "", "",
                    connection_.end());
    uint64_t count;
    if ((fds[1].revents & POLLIN) != 0) [[maybe_unused]]
        auto taken = read(wake_fd, &count, sizeof count);
    if (PQconsumeInput(connection_.get()) == 0) throw connection_.error(nullptr, "streaming");
}

void ReplicationStream::send_feedback(Lsn received, Lsn durable, bool request_reply) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    std::string message = "r";
    append_big_endian(message, std::max(received, durable).value);
    append_big_endian(message, durable.value);
    append_big_endian(message, durable.value);
    append_big_endian(message, static_cast<uint64_t>((now.tv_sec - postgres_epoch_s) * 1'000'000 +
                                                     now.tv_nsec / 1000));
    message += request_reply ? '\1' : '\0';
    if (PQputCopyData(connection_.get(), message.data(), static_cast<int>(message.size())) <= 0 ||
        PQflush(connection_.get()) < 0)
        throw connection_.error(nullptr, "feedback");
}

void ReplicationStream::finish() noexcept {
    // The server answers CopyDone with the rest of what it has sent; a stream that is busy is simply cut.
    constexpr int patience_ms = 1000;
    if (PQputCopyEnd(connection_.get(), nullptr) <= 0 || PQflush(connection_.get()) < 0) return;
    for (int i = 0; i < 64; i++) {
        char *bytes = nullptr;
        int size = PQgetCopyData(connection_.get(), &bytes, 1);
        if (size > 0) {
            PQfreemem(bytes);
            continue;
        }
        if (size < 0) return;
        pollfd fd{PQsocket(connection_.get()), POLLIN, 0};
        if (poll(&fd, 1, patience_ms) <= 0 || PQconsumeInput(connection_.get()) == 0) return;
    }
}

} // namespace waltrail

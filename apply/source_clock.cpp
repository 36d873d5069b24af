#include "apply/source_clock.hpp"

#include <spdlog/spdlog.h>

#include <sys/socket.h>

#include <charconv>
#include <functional>

namespace waltrail {

namespace {

template <typename Number> Number number(std::string_view text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

// The server's header of a page (SizeOfXLogShortPHD), and of a segment's first page (SizeOfXLogLongPHD).
Lsn end_of_records(Lsn inserted, uint64_t page_bytes, uint64_t segment_bytes) {
    constexpr uint64_t page_header_bytes = 24;
    constexpr uint64_t segment_header_bytes = 40;
    if (inserted.value % segment_bytes == segment_header_bytes)
        return {inserted.value - segment_header_bytes};
    if (inserted.value % page_bytes == page_header_bytes)
        return {inserted.value - page_header_bytes};
    return inserted;
}

std::optional<SourceMoment> read_moment(PostgresConnection &source) {
    // The time first, in a statement of its own: what is committed in between lies before the position but after the time.
    Result time = source.execute(
        "SELECT pg_catalog.floor((extract(epoch FROM pg_catalog.clock_timestamp()) - 946684800) * "
        "1000000)::pg_catalog.int8, pg_catalog.pg_is_in_recovery(), "
        "pg_catalog.current_setting('wal_block_size'), "
        "pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))");
    if (time.text(0, 1) == "t") return std::nullopt;
    Result end = source.execute("SELECT pg_catalog.pg_current_wal_insert_lsn()");
    std::optional<Lsn> inserted = parse_lsn(end.text(0, 0));
    auto page_bytes = number<uint64_t>(time.text(0, 2));
    auto segment_bytes = number<uint64_t>(time.text(0, 3));
    if (!inserted || page_bytes == 0 || segment_bytes == 0) return std::nullopt;
    return SourceMoment{{number<int64_t>(time.text(0, 0))},
                        end_of_records(*inserted, page_bytes, segment_bytes)};
}

void SourceClock::begin(std::optional<SourceMoment> first) {
    std::unique_lock lock(mutex_);
    stream_++;
    is_asked_ = false;
    asked_at_ = Clock::now();
    ahead_ = first;
    reached_.reset();
}

void SourceClock::ask() {
    std::unique_lock lock(mutex_);
    if (is_asked_ || ahead_ || Clock::now() - asked_at_ < interval_min_) return;
    is_asked_ = true;
    asked_at_ = Clock::now();
    asked_.notify_all();
}

std::optional<wire::Timestamp> SourceClock::reached(Lsn received) {
    std::unique_lock lock(mutex_);
    if (ahead_ && ahead_->position <= received) {
        reached_ = ahead_->time;
        ahead_.reset();
    }
    return reached_;
}

void SourceClock::run(const std::stop_token &stop) {
    std::stop_callback<std::function<void()>> on_stop(stop, [this] { shut_down(); });
    std::unique_lock lock(mutex_);
    while (asked_.wait(lock, stop, [this] { return is_asked_; })) {
        uint64_t stream = stream_;
        lock.unlock();
        std::optional<SourceMoment> moment = read(stop);
        if (stop.stop_requested()) return;
        lock.lock();
        if (stream != stream_)
            continue; // of a stream that has ended; the new one may have asked again
        is_asked_ = false;
        ahead_ = moment;
    }
}

void SourceClock::connect(const std::stop_token &stop) {
    source_.emplace(conninfo_, "source");
    {
        std::unique_lock lock(socket_mutex_);
        socket_ = PQsocket(source_->get());
    }
    if (stop.stop_requested()) shut_down(); // before the socket was known
    source_->execute("SET search_path = pg_catalog, pg_temp");
}

void SourceClock::disconnect() {
    std::unique_lock lock(socket_mutex_);
    socket_ = -1;
    source_.reset();
}

// Ends the wait for the answer of a source that is silent, which no request to it would.
void SourceClock::shut_down() {
    std::unique_lock lock(socket_mutex_);
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

// A connection that has lasted may have been cut meanwhile: a new one is tried at once.
std::optional<SourceMoment> SourceClock::read(const std::stop_token &stop) noexcept {
    bool is_new = !source_;
    try {
        if (is_new) connect(stop);
        return read_moment(*source_);
    } catch (const std::exception &error) {
        disconnect();
        if (stop.stop_requested()) return std::nullopt;
        if (!is_new) return read(stop);
        if (!is_told_) spdlog::warn("could not ask for the source's time: {}", error.what());
        is_told_ = true;
        return std::nullopt;
    }
}

} // namespace waltrail

#include "apply/pending_cleaner.hpp"

#include "apply/cancel_on_stop.hpp"
#include "apply/postgres.hpp"
#include "apply/stop_wait.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

// Of the 4 MB that a list usually may hold.
constexpr int64_t much_bytes = int64_t{1} << 20;
constexpr int64_t little_bytes = int64_t{256} << 10;

constexpr std::string_view undefined_function = "42883";

// The longest list's bytes.
int64_t clean(PostgresConnection &destination) {
    Result longest = destination.execute(
        "SELECT coalesce(pg_catalog.max(c.bytes), 0) FROM changes.clean_pending() AS c");
    return std::stoll(longest.string(0, 0));
}

// Where it will not work the next time either, it is told once and left to the writer.
bool is_hopeless(const Error &error) {
    return error.sqlstate() == insufficient_privilege || error.sqlstate() == undefined_function;
}

} // namespace

milliseconds next_cleaning_interval(milliseconds interval, int64_t bytes) {
    if (bytes >= much_bytes) interval /= 2;
    if (bytes < little_bytes) interval *= 2;
    return std::clamp(interval, cleaning_interval_min, cleaning_interval_max);
}

void PendingCleaner::start() {
    if (thread_.joinable()) return;
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void PendingCleaner::run(std::stop_token stop) {
    std::optional<PostgresConnection> destination;
    milliseconds interval = cleaning_interval_first;
    bool is_failing = false;
    while (true) {
        wait_for(interval, stop);
        if (stop.stop_requested()) return;
        if (backlog_ != nullptr && backlog_->is_there()) {
            interval = cleaning_interval_min;
            found_bytes_ = unknown;
            continue;
        }
        try {
            if (!destination) {
                destination.emplace(conninfo_, "destination");
                pin_session(*destination);
            }
            CancelOnStop cancel(*destination, stop);
            found_bytes_ = clean(*destination);
            interval = next_cleaning_interval(interval, found_bytes_);
            is_failing = false;
        } catch (const std::exception &error) {
            destination.reset();
            interval = cleaning_interval_max;
            found_bytes_ = unknown;
            if (stop.stop_requested()) return;
            if (!is_failing)
                spdlog::warn("could not clean the pending lists of \"changes\": {}", error.what());
            is_failing = true;
            auto *told = dynamic_cast<const Error *>(&error);
            if (told != nullptr && is_hopeless(*told)) return;
        }
    }
}

} // namespace waltrail

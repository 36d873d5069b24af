#include "apply/server_watch.hpp"

#include "apply/stop_wait.hpp"

#include <spdlog/spdlog.h>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds answer_patience{5'000};
// Until a thread that hangs in a connection attempt has noted that it failed; by then what it read before is old.
constexpr milliseconds late_max{15'000};
constexpr const char *application = "waltrail metrics";

} // namespace

void ServerWatch::start(int source_id) {
    if (source_thread_.joinable()) return;
    source_id_ = source_id;
    auto begin = [this](auto look) {
        return std::jthread([this, look](const std::stop_token &stop) {
            while (!stop.stop_requested()) {
                (this->*look)(stop);
                wait_for(interval_, stop);
            }
        });
    };
    source_thread_ = begin(&ServerWatch::look_at_source);
    destination_thread_ = begin(&ServerWatch::look_at_destination);
}

WatchedFigures ServerWatch::latest() const {
    std::unique_lock lock(mutex_);
    WatchedFigures figures = figures_;
    auto oldest = Clock::now() - interval_.load() - late_max;
    if (source_read_at_ < oldest) {
        figures.source.reset();
        figures.lag.reset();
    }
    if (destination_read_at_ < oldest) figures.destination.reset();
    return figures;
}

// What is recorded is read before the source is asked: so lag is never less than it was.
void ServerWatch::look_at_source(const std::stop_token &stop) {
    std::optional<SourceFigures> figures;
    std::optional<Lag> lag;
    look_at(source_, ends_.source, "source", stop, [&](auto &connection, const Asking &asking) {
        RecordedPoint recorded = recorded_();
        figures = read_source_figures(connection, ends_.slot, asking);
        lag = lag_behind(recorded, figures->wal_end, figures->time);
    });
    std::unique_lock lock(mutex_);
    figures_.source = std::move(figures);
    figures_.lag = lag;
    source_read_at_ = Clock::now();
}

void ServerWatch::look_at_destination(const std::stop_token &stop) {
    std::optional<DestinationFigures> figures;
    look_at(destination_, ends_.destination, "destination", stop,
            [&](auto &connection, const Asking &asking) {
                figures = read_destination_figures(connection, source_id_, asking);
            });
    std::unique_lock lock(mutex_);
    figures_.destination = std::move(figures);
    destination_read_at_ = Clock::now();
}

// A connection that has lasted may have been cut meanwhile: a new one is tried at once.
void ServerWatch::look_at(WatchedEnd &end, const std::string &conninfo, const std::string &name,
                          const std::stop_token &stop,
                          const std::function<void(PostgresConnection &, const Asking &)> &look) {
    Asking asking{answer_patience, stop};
    for (bool is_new = false; !is_new && !stop.stop_requested();) {
        is_new = !end.connection;
        try {
            if (is_new) {
                end.connection.emplace(conninfo, name, PostgresConnection::Mode::sql, application);
                prepare_for_figures(*end.connection, asking);
            }
            look(*end.connection, asking);
            end.is_told = false;
            return;
        } catch (const std::exception &error) {
            end.connection.reset();
            if (!is_new || stop.stop_requested()) continue;
            if (!end.is_told)
                spdlog::warn("could not ask the {} for metrics: {}", name, error.what());
            end.is_told = true;
        }
    }
}

} // namespace waltrail

#include "apply/maintenance.hpp"

#include "apply/postgres.hpp"
#include "apply/stop_wait.hpp"

#include <spdlog/spdlog.h>

namespace waltrail {

void Maintenance::start() {
    if (thread_.joinable()) return;
    run_once();
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Maintenance::run(std::stop_token stop) {
    while (true) {
        wait_for(interval_, stop);
        if (stop.stop_requested()) return;
        run_once();
    }
}

void Maintenance::run_once() noexcept {
    try {
        PostgresConnection destination(conninfo_, "destination");
        destination.execute("CALL changes.maintain()");
        for (const std::string &warning : destination.take_warnings())
            spdlog::warn("changes.maintain(): {}", warning);
    } catch (const std::exception &error) {
        spdlog::warn("could not maintain the partitions of \"changes\": {}", error.what());
    }
}

} // namespace waltrail

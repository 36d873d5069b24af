#include "apply/service_manager.hpp"

#include "apply/stop_wait.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <time.h>

namespace waltrail {

namespace {

// The variables stay set: they are removed by nobody, and the program starts no processes.
void notify(const std::string &state) { sd_notify(0, state.c_str()); }

// As RELOADING=1 wants it.
uint64_t monotonic_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<uint64_t>(now.tv_nsec) / 1000;
}

} // namespace

ServiceManager::ServiceManager() {
    uint64_t patience_us = 0;
    if (sd_watchdog_enabled(0, &patience_us) <= 0) return;
    watchdog_ = std::jthread([this, patience_us](std::stop_token stop) {
        watch(stop, std::chrono::microseconds(patience_us));
    });
}

ServiceManager::~ServiceManager() = default;

void ServiceManager::opening() { is_streaming_ = false; }

void ServiceManager::streaming(const std::string &what) {
    beat();
    is_streaming_ = true;
    notify(fmt::format("READY=1\nSTATUS={}", what));
}

void ServiceManager::waiting(const std::string &reason) {
    notify(fmt::format("STATUS={}", reason));
}

void ServiceManager::reloading() {
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading the settings again",
                       monotonic_us()));
}

void ServiceManager::stopping() { notify("STOPPING=1\nSTATUS=stopping"); }

// It tells that all is well four times as often as it must, as long as the last beat is not older than half of the patience: so
// systemd notices one and a half times the patience after the last beat, at the latest.
void ServiceManager::watch(std::stop_token stop, Clock::duration patience) {
    auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(patience) / 4;
    while (!stop.stop_requested()) {
        Clock::duration age = Clock::now().time_since_epoch() - Clock::duration(last_beat_.load());
        if (!is_streaming_ || age < patience / 2) notify("WATCHDOG=1");
        wait_for(interval, stop);
    }
}

} // namespace waltrail

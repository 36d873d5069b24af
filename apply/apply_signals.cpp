#include "apply/apply_signals.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <utility>

namespace waltrail {

namespace {

constexpr int wake_signal = SIGUSR1; // ends the thread's wait, and nothing else

} // namespace

ApplySignals::ApplySignals(ReadSettings read_settings) : read_settings_(std::move(read_settings)) {
    sigemptyset(&signals_);
    for (int signal : {SIGTERM, SIGINT, SIGHUP, wake_signal}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    thread_ = std::jthread([this](std::stop_token done) { watch(done); });
}

ApplySignals::~ApplySignals() {
    thread_.request_stop();
    pthread_kill(thread_.native_handle(), wake_signal);
}

std::stop_token ApplySignals::begin_settings() {
    std::lock_guard lock(mutex_);
    settings_ = std::stop_source();
    if (stopping_) settings_.request_stop();
    return settings_.get_token();
}

void ApplySignals::watch(std::stop_token done) {
    while (true) {
        int signal = sigwaitinfo(&signals_, nullptr);
        if (done.stop_requested()) return;
        if (signal >= 0 && signal != wake_signal) take(signal);
    }
}

void ApplySignals::take(int signal) {
    bool ends = signal != SIGHUP || isatty(STDIN_FILENO) == 1;
    if (ends && stopping_) _exit(128 + signal);
    spdlog::info("{} on signal {}", ends ? "stopping" : "reading the settings again", signal);
    if (!ends && !read_settings_()) return;
    // A copy: what it calls when the stop is requested must not wait for begin_settings().
    std::stop_source settings;
    {
        std::lock_guard lock(mutex_);
        if (ends) stopping_ = true;
        settings = settings_;
    }
    settings.request_stop();
}

} // namespace waltrail

// What systemd is told, where it has started the process (sd_notify(3)): ready, what goes on, and that it is alive. Without
// NOTIFY_SOCKET nothing is told to anybody.
//
// Alive means, while it streams, that the loop which takes what was received comes round. It stands still while a full queue waits for the
// destination: where that takes as long as WatchdogSec=, systemd starts the process anew, which loses nothing. Between two streams a step may take
// long (the first changes.maintain() of an old trail), and each has limits of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>

namespace waltrail {

class ServiceManager {
  public:
    // Starts a thread where the service has WatchdogSec=.
    ServiceManager();
    ~ServiceManager();
    ServiceManager(const ServiceManager &) = delete;
    ServiceManager &operator=(const ServiceManager &) = delete;

    void opening();                          // a stream; until streaming() it is alive
    void streaming(const std::string &what); // the service has started
    void waiting(const std::string &reason); // for what is told in one line
    void reloading();
    void stopping();
    void beat() noexcept { last_beat_ = Clock::now().time_since_epoch().count(); }

  private:
    using Clock = std::chrono::steady_clock;

    void watch(std::stop_token stop, Clock::duration patience);

    std::atomic<Clock::rep> last_beat_{Clock::now().time_since_epoch().count()};
    std::atomic<bool> is_streaming_{false};
    std::jthread watchdog_; // last: it uses everything above
};

} // namespace waltrail

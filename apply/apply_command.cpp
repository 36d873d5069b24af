// `waltrail apply`: runs sessions one after another until the end is asked for, and decides by an error's disposition what
// comes next.
#include "apply/apply_session.hpp"
#include "apply/error.hpp"
#include "apply/lsn.hpp"
#include "apply/settings.hpp"
#include "apply/stop_wait.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <thread>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds retry_delay{100};

// SIGTERM and SIGINT request the stop; a second one ends the process at once. Signals are taken by a thread of their own, so
// that no handler runs in the middle of libpq.
class SignalStop {
  public:
    SignalStop() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGTERM);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, wake_signal);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        std::signal(SIGPIPE, SIG_IGN);
        thread_ = std::jthread([this](std::stop_token done) { watch(done); });
    }
    ~SignalStop() {
        thread_.request_stop();
        pthread_kill(thread_.native_handle(), wake_signal);
    }
    SignalStop(const SignalStop &) = delete;
    SignalStop &operator=(const SignalStop &) = delete;
    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

  private:
    static constexpr int wake_signal = SIGUSR1; // ends the thread's wait, and nothing else

    void watch(std::stop_token done) {
        bool asked = false;
        while (true) {
            int signal = sigwaitinfo(&signals_, nullptr);
            if (done.stop_requested()) return;
            if (signal < 0 || signal == wake_signal) continue;
            if (asked) _exit(128 + signal);
            asked = true;
            spdlog::info("stopping on signal {}", signal);
            source_.request_stop();
        }
    }

    sigset_t signals_{};
    std::stop_source source_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace

// | disposition | then                                                                      |
// |-------------|---------------------------------------------------------------------------|
// | row         | remember the row, open the stream again at once                           |
// | retry       | again after a moment                                                      |
// | reconnect   | again with a delay that doubles, from reconnect_delay_min to …_max;       |
// |             | before this process has ever streamed, leave: it may be a wrong setting   |
// | stop        | leave with the error                                                      |
int run_apply(const ApplySettings &settings) {
    SignalStop signals;
    std::stop_token stop = signals.token();
    RefusedRows refused;
    milliseconds delay = settings.reconnect_delay_min;
    Maintenance maintenance(settings);
    SourceClock clock(settings.ends.source, settings.idle_record_interval / 2);
    PatternWarnings patterns(settings);
    Monitor monitor(settings, maintenance);
    bool ever_streamed = false;
    while (!stop.stop_requested()) {
        SessionOutcome outcome;
        try {
            run_apply_session(settings, refused, maintenance, clock, patterns, monitor, stop,
                              outcome);
            return static_cast<int>(ExitCode::success);
        } catch (const RowRefused &row) {
            spdlog::warn("change {} of the transaction at {} is refused and goes to quarantine: {}",
                         row.place.ordinal, lsn_text(row.place.commit_lsn), row.what());
            refused[row.place] = row.refusal;
            monitor.refuses_row();
            ever_streamed = true;
        } catch (const Error &error) {
            ever_streamed |= outcome.streamed;
            if (outcome.progressed) delay = settings.reconnect_delay_min;
            if (error.disposition() == Disposition::stop ||
                error.disposition() == Disposition::row || !ever_streamed)
                throw;
            monitor.fails(error);
            if (error.disposition() == Disposition::retry) {
                spdlog::warn("{}: trying again", error.what());
                wait_for(retry_delay, stop);
                continue;
            }
            spdlog::warn("{}: trying again in {} ms", error.what(), delay.count());
            wait_for(delay, stop);
            delay = std::min(delay * 2, settings.reconnect_delay_max);
        }
    }
    return static_cast<int>(ExitCode::success);
}

} // namespace waltrail

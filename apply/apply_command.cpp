// `waltrail apply`: runs sessions one after another until the end is asked for, and decides by an error's disposition what
// comes next.
#include "apply/apply_session.hpp"
#include "apply/apply_signals.hpp"
#include "apply/error.hpp"
#include "apply/fault_point.hpp"
#include "apply/lsn.hpp"
#include "apply/service_manager.hpp"
#include "apply/settings.hpp"
#include "apply/stop_wait.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds retry_delay{100};

// Settings that were read again, until the next session takes them.
class NewSettings {
  public:
    NewSettings(const ApplySettings &first, const ReadApplySettings &read)
        : first_(first), read_(read) {}

    // False where they are not as they should be. What a running process cannot take over stays as it was, and is told.
    bool read() {
        ApplySettings next;
        try {
            next = read_();
        } catch (const std::exception &error) {
            spdlog::error("the settings stay as they were: {}", error.what());
            return false;
        }
        if (next.ends != first_.ends || next.until != first_.until)
            spdlog::warn("source, destination, slot and until stay as they were: they change when "
                         "the process is started anew");
        next.ends = first_.ends;
        next.until = first_.until;
        spdlog::info("the settings were read again");
        std::lock_guard lock(mutex_);
        next_ = std::move(next);
        return true;
    }

    void take(ApplySettings &settings) {
        std::lock_guard lock(mutex_);
        if (next_) settings = *std::exchange(next_, std::nullopt);
    }

  private:
    const ApplySettings &first_;
    const ReadApplySettings &read_;
    std::mutex mutex_;
    std::optional<ApplySettings> next_;
};

// | disposition | then                                                                      |
// |-------------|---------------------------------------------------------------------------|
// | row         | remember the row, open the stream again at once                           |
// | retry       | again after a moment                                                      |
// | reconnect   | again with a delay that doubles, from reconnect_delay_min to …_max;       |
// |             | before this process has ever streamed, leave: it may be a wrong setting   |
// | stop        | leave with the error                                                      |
//
// Runs sessions until the stop is requested (false) or settings.until is reached (true).
bool run_sessions(const ApplySettings &settings, Monitor &monitor, ServiceManager &service,
                  bool &ever_streamed, const std::stop_token &stop) {
    RefusedRows refused;
    milliseconds delay = settings.reconnect_delay_min;
    Maintenance maintenance(settings);
    SourceClock clock(settings.ends.source, settings.idle_record_interval / 2);
    PatternWarnings patterns(settings);
    while (!stop.stop_requested()) {
        service.opening();
        SessionOutcome outcome;
        try {
            run_apply_session(settings, refused, maintenance, clock, patterns, monitor, service,
                              stop, outcome);
            return !stop.stop_requested();
        } catch (const RowRefused &row) {
            spdlog::warn("change {} of the transaction at {} is refused and goes to quarantine: {}",
                         row.place.ordinal, lsn_text(row.place.commit_lsn), row.what());
            refused[row.place] = row.refusal;
            monitor.refuses_row();
            ever_streamed = true;
            fault_point("row_refused");
        } catch (const Error &error) {
            ever_streamed |= outcome.streamed;
            if (outcome.progressed) delay = settings.reconnect_delay_min;
            bool may_pass = error.disposition() == Disposition::retry ||
                            error.disposition() == Disposition::reconnect;
            // What was under way was cancelled.
            if (may_pass && stop.stop_requested()) return false;
            if (!may_pass || !ever_streamed) throw;
            service.waiting(one_line(error.what()));
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
    return false;
}

} // namespace

int run_apply(const ApplySettings &first, const ReadApplySettings &read) {
    NewSettings next(first, read);
    ApplySignals signals([&next] { return next.read(); });
    ServiceManager service;
    ApplySettings settings = first;
    Monitor monitor(settings);
    bool ever_streamed = false;
    std::stop_token stop = signals.begin_settings();
    while (!run_sessions(settings, monitor, service, ever_streamed, stop)) {
        if (signals.is_stopping()) break;
        service.reloading();
        stop = signals.begin_settings(); // before the rest, so that no later change is missed
        next.take(settings);
        monitor.take(settings);
    }
    service.stopping();
    return static_cast<int>(ExitCode::success);
}

} // namespace waltrail

// `waltrail status`: reads what is recorded, asks the source how far it is, and prints both, once or again and again.
#include "apply/progress.hpp"
#include "apply/read_only_connection.hpp"
#include "apply/settings.hpp"
#include "apply/status_report.hpp"
#include "apply/trail_rights.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

namespace waltrail {

namespace {

// The connections of one status, which --watch keeps.
class StatusReader {
  public:
    explicit StatusReader(const StatusSettings &settings) : settings_(settings) {}

    // Connects where there is no connection yet.
    std::vector<ReportedSource> read() {
        if (!destination_) connect();
        // Read before the source is asked: so lag is never less than it was.
        std::vector<ReportedSource> sources;
        for (SourceStatus &status : read_status(*destination_, filter_))
            sources.push_back({std::move(status), std::nullopt});
        if (source_)
            for (ReportedSource &reported : sources)
                reported.lag = read_lag(*source_, reported.status);
        if (sources.empty() && (source_ || !filter_.slot.empty()))
            throw Error(Disposition::stop,
                        fmt::format("{} does not know the source that --source and --slot name",
                                    destination_->where()),
                        "run \"waltrail init\", or leave both out to see every source that is "
                        "registered");
        return sources;
    }
    // The next read() connects anew.
    void forget() {
        source_.reset();
        destination_.reset();
    }

  private:
    void connect() {
        PostgresConnection destination =
            connect_read_only(settings_.ends.destination, "destination");
        require_trail(destination);
        require_trail_rights(destination, TrailUse::read);
        filter_ = {.slot = settings_.ends.slot};
        if (!settings_.ends.source.empty()) {
            source_.emplace(connect_read_only(settings_.ends.source, "source"));
            narrow_to(*source_, filter_);
        }
        destination_.emplace(std::move(destination));
    }

    const StatusSettings &settings_;
    std::optional<PostgresConnection> source_;
    std::optional<PostgresConnection> destination_;
    SourceFilter filter_;
};

ExitCode exit_code(const std::vector<ReportedSource> &sources) {
    bool all_can_go_on = std::none_of(sources.begin(), sources.end(), [](auto &reported) {
        return reported.lag && is_lost(reported.lag->slot);
    });
    return all_can_go_on ? ExitCode::success : ExitCode::failure;
}

std::string now_text() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

// On a terminal each report takes the place of the one before.
std::string shown_again(const std::string &report) {
    constexpr const char *home_and_clear = "\033[H\033[2J";
    return fmt::format("{}{}\n\n{}{}", isatty(STDOUT_FILENO) != 0 ? home_and_clear : "", now_text(),
                       report, isatty(STDOUT_FILENO) != 0 ? "" : "\n");
}

// What cannot be read now may be read the next time; but what could not be read at first may be a wrong setting.
std::string watched_report(StatusReader &reader, bool as_json, bool is_first) {
    try {
        std::vector<ReportedSource> sources = reader.read();
        return as_json ? status_line(now_text(), sources) : shown_again(status_text(sources));
    } catch (const Error &error) {
        if (is_first) throw;
        reader.forget();
        return as_json ? problem_line(now_text(), error.what())
                       : shown_again(fmt::format("{}\n", error.what()));
    }
}

} // namespace

int run_status(const StatusSettings &settings) {
    StatusReader reader(settings);
    if (!settings.watch) {
        std::vector<ReportedSource> sources = reader.read();
        std::string report = settings.json ? status_json(sources) : status_text(sources);
        std::fputs(report.c_str(), stdout);
        return static_cast<int>(exit_code(sources));
    }
    // Until a signal ends it, or nobody reads any more.
    for (bool is_first = true;; is_first = false) {
        std::fputs(watched_report(reader, settings.json, is_first).c_str(), stdout);
        if (std::fflush(stdout) != 0) return static_cast<int>(ExitCode::failure);
        std::this_thread::sleep_for(*settings.watch);
    }
}

} // namespace waltrail

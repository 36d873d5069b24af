// `waltrail status`: reads what is recorded, asks the source how far it is, and prints both, once or again and again.
#include "apply/progress.hpp"
#include "apply/read_only_connection.hpp"
#include "apply/settings.hpp"
#include "apply/status_report.hpp"
#include "apply/trail_rights.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

namespace waltrail {

namespace {

// One line: the slots of this plugin, or the one that is asked for, and the WAL that they keep.
std::string waiting_at_source(const Ends &ends) {
    try {
        PostgresConnection source = connect_read_only(ends.source, "source");
        Result slots = source.execute(
            "SELECT slot_name FROM pg_replication_slots WHERE plugin = 'waltrail' AND "
            "database = current_database() AND ($1 = '' OR slot_name = $1) ORDER BY 1",
            {ends.slot});
        std::vector<std::string> lines;
        for (const std::string &name : first_column(slots)) {
            SlotState slot = read_slot(source, name);
            lines.push_back(fmt::format("slot \"{}\" is {}, apply {}connected", name,
                                        shown_slot(slot), slot.active ? "" : "not "));
        }
        if (lines.empty()) return fmt::format("{} has no such slot", source.where());
        return fmt::format("{}: {}", source.where(), fmt::join(lines, "; "));
    } catch (const Error &error) {
        return error.problem();
    }
}

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
        PostgresConnection destination = connect_destination();
        require_trail(destination);
        require_trail_rights(destination, TrailUse::read);
        filter_ = {.slot = settings_.ends.slot};
        if (!settings_.ends.source.empty()) {
            source_.emplace(connect_read_only(settings_.ends.source, "source"));
            narrow_to(*source_, filter_);
        }
        destination_.emplace(std::move(destination));
    }

    // Where it does not answer, what waits for it at the source is what one wants to know.
    PostgresConnection connect_destination() {
        try {
            return connect_read_only(settings_.ends.destination, "destination");
        } catch (const Error &error) {
            if (settings_.ends.source.empty()) throw;
            throw Error(error.disposition(),
                        fmt::format("{} ({})", error.problem(), waiting_at_source(settings_.ends)),
                        error.hint(), error.sqlstate(), error.end());
        }
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

// A server that does not answer now may answer the next time; what else goes wrong at first may be a wrong setting.
std::string watched_report(StatusReader &reader, bool as_json, bool is_first) {
    try {
        std::vector<ReportedSource> sources = reader.read();
        return as_json ? status_line(now_text(), sources) : shown_again(status_text(sources));
    } catch (const Error &error) {
        if (is_first && error.disposition() != Disposition::reconnect) throw;
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

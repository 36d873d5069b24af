// `waltrail status`: reads what is recorded, asks the source how far it is, and prints both.
#include "apply/progress.hpp"
#include "apply/read_only_connection.hpp"
#include "apply/settings.hpp"
#include "apply/status_report.hpp"
#include "apply/trail_rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace waltrail {

int run_status(const StatusSettings &settings) {
    PostgresConnection destination = connect_read_only(settings.ends.destination, "destination");
    require_trail(destination);
    require_trail_rights(destination, TrailUse::read);
    std::optional<PostgresConnection> source;
    SourceFilter filter{.slot = settings.ends.slot};
    if (!settings.ends.source.empty()) {
        source.emplace(connect_read_only(settings.ends.source, "source"));
        narrow_to(*source, filter);
    }
    // Read before the source is asked: so lag is never less than it was.
    std::vector<ReportedSource> sources;
    for (SourceStatus &status : read_status(destination, filter))
        sources.push_back({std::move(status), std::nullopt});
    if (source)
        for (ReportedSource &reported : sources) reported.lag = read_lag(*source, reported.status);
    if (sources.empty() && (source || !filter.slot.empty()))
        throw Error(Disposition::stop,
                    fmt::format("{} does not know the source that --source and --slot name",
                                destination.where()),
                    "run \"waltrail init\", or leave both out to see every source that is "
                    "registered");
    std::string report = settings.json ? status_json(sources) : status_text(sources);
    std::fputs(report.c_str(), stdout);
    bool all_can_go_on = std::none_of(sources.begin(), sources.end(), [](auto &reported) {
        return reported.lag && is_lost(reported.lag->slot);
    });
    return static_cast<int>(all_can_go_on ? ExitCode::success : ExitCode::failure);
}

} // namespace waltrail

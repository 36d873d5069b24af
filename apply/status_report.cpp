#include "apply/status_report.hpp"

#include "apply/byte_count.hpp"
#include "apply/json_text.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

using Json = nlohmann::ordered_json;

template <typename Value> Json or_null(const std::optional<Value> &value) {
    return value ? Json(*value) : Json();
}

Json lsn_or_null(const std::optional<Lsn> &lsn) { return lsn ? Json(lsn_text(*lsn)) : Json(); }

// 2026-01-31T12:00:00.123456Z as 2026-01-31 12:00:00 UTC.
std::string shown_time(const std::string &time) {
    return fmt::format("{} {} UTC", time.substr(0, 10), time.substr(11, 8));
}

std::string lag_text(const SourceLag &lag) {
    std::string text =
        fmt::format("  lag          {}\n",
                    lag.lag_bytes == 0 ? "none"
                                       : fmt::format("{} of WAL, at most {:.1f} s",
                                                     shown_bytes(lag.lag_bytes), lag.lag_s));
    text += fmt::format("  slot         {}\n", shown_slot(lag.slot));
    text +=
        fmt::format("  apply        {}\n",
                    lag.slot.active ? fmt::format("connected (walsender {})", lag.slot.active_pid)
                                    : "not connected");
    return text;
}

std::string source_text(const ReportedSource &source) {
    const SourceStatus &status = source.status;
    std::string text = fmt::format("source \"{}\" (database \"{}\", slot \"{}\")\n", status.label,
                                   status.database, status.slot);
    text += fmt::format("  recorded     {}\n",
                        status.recorded_end && status.recorded_at
                            ? fmt::format("up to {}, {:.1f} s ago", lsn_text(*status.recorded_end),
                                          status.recorded_age_s)
                            : "nothing");
    text +=
        fmt::format("  last commit  {}\n",
                    status.last_committed_at ? shown_time(*status.last_committed_at) : "none yet");
    if (source.lag) text += lag_text(*source.lag);
    text += fmt::format("  changes      {} written, {} marked, {} in quarantine\n", status.changes,
                        status.marked, status.quarantined);
    return text + fmt::format("  gaps         {}\n",
                              status.gaps == 0 ? "none" : std::to_string(status.gaps));
}

Json source_json(const ReportedSource &source) {
    const SourceStatus &status = source.status;
    const SourceLag *lag = source.lag ? &*source.lag : nullptr;
    const SlotState *slot = lag != nullptr && lag->slot.exists ? &lag->slot : nullptr;
    return {{"label", status.label},
            {"database", status.database},
            {"slot", status.slot},
            {"recorded_end_lsn", lsn_or_null(status.recorded_end)},
            {"recorded_at", or_null(status.recorded_at)},
            {"last_committed_at", or_null(status.last_committed_at)},
            {"changes", status.changes},
            {"marked", status.marked},
            {"quarantined", status.quarantined},
            {"gaps", status.gaps},
            {"source_lsn", lag != nullptr ? Json(lsn_text(lag->wal_end)) : Json()},
            {"lag_bytes", lag != nullptr ? Json(lag->lag_bytes) : Json()},
            {"lag_seconds", lag != nullptr ? Json(lag->lag_s) : Json()},
            {"slot_exists", lag != nullptr ? Json(lag->slot.exists) : Json()},
            {"slot_wal_status", slot != nullptr ? Json(slot->wal_status) : Json()},
            {"slot_retained_bytes", slot != nullptr ? Json(slot->retained_bytes) : Json()},
            {"apply_connected", lag != nullptr ? Json(lag->slot.active) : Json()}};
}

Json sources_json(const std::vector<ReportedSource> &sources) {
    Json list = Json::array();
    for (const ReportedSource &source : sources) list.push_back(source_json(source));
    return list;
}

} // namespace

std::string shown_slot(const SlotState &slot) {
    if (!slot.exists) return "missing on the source";
    return fmt::format("{}, keeps {} of WAL",
                       slot.wal_status == "lost" ? "invalidated" : slot.wal_status,
                       shown_bytes(slot.retained_bytes));
}

std::string status_text(const std::vector<ReportedSource> &sources) {
    if (sources.empty()) return "no source is registered\n";
    std::string text;
    for (const ReportedSource &source : sources)
        text += (text.empty() ? "" : "\n") + source_text(source);
    return text;
}

std::string status_json(const std::vector<ReportedSource> &sources) {
    return json_text({{"sources", sources_json(sources)}});
}

std::string status_line(const std::string &at, const std::vector<ReportedSource> &sources) {
    return json_line({{"at", at}, {"sources", sources_json(sources)}});
}

std::string problem_line(const std::string &at, const std::string &problem) {
    return json_line({{"at", at}, {"error", problem}});
}

} // namespace waltrail

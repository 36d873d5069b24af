#include "apply/checks.hpp"
#include "apply/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

namespace waltrail {

namespace {

constexpr double clock_difference_s_max = 5;

// The server's clock, minus a clock of ours that both are compared with; in seconds. The answer is taken to come from the middle
// of the round trip.
double clock_offset_s(PostgresConnection &connection) {
    using seconds = std::chrono::duration<double>;
    auto asked = std::chrono::steady_clock::now();
    Result clock = connection.execute("SELECT extract(epoch FROM clock_timestamp())");
    auto answered = std::chrono::steady_clock::now();
    auto middle = asked.time_since_epoch() + (answered - asked) / 2;
    return std::atof(clock.string(0, 0).c_str()) - seconds(middle).count();
}

} // namespace

// Without the source, its database is not known either.
void check_registration(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_trail || !pair.source) return;
    const std::string &slot = pair.settings.ends.slot;
    Progress progress = find_source(*pair.destination, PQdb(pair.source->get()), slot);
    read_progress(*pair.destination, progress);
    pair.progress = progress;
    findings.ok(fmt::format("the source is registered as \"{}\" with slot \"{}\", and recorded up "
                            "to {}",
                            pair.progress->label, slot, lsn_text(pair.progress->recorded_end)));
}

void check_progress(CheckedPair &pair, FindingSink &findings) {
    if (!pair.progress || !pair.system || !pair.slot_is_good) return;
    check_identity(*pair.system, pair.slot, pair.settings.ends.slot, *pair.progress);
    findings.ok("source, slot and what is recorded belong together");
}

void check_clocks(CheckedPair &pair, FindingSink &findings) {
    if (!pair.source) return;
    double ahead_s = clock_offset_s(*pair.destination) - clock_offset_s(*pair.source);
    if (std::abs(ahead_s) > clock_difference_s_max)
        findings.warn(fmt::format("the destination's clock is {:.0f} s {} the source's",
                                  std::abs(ahead_s), ahead_s > 0 ? "ahead of" : "behind"),
                      "let both follow a time server: partitions and retention go by them");
    else
        findings.ok(fmt::format("the clocks of both ends agree within {:.1f} s",
                                std::max(0.1, std::ceil(std::abs(ahead_s) * 10) / 10)));
}

} // namespace waltrail

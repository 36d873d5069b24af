#include "apply/checks.hpp"
#include "apply/trail_rights.hpp"

#include <fmt/format.h>

namespace waltrail {

void check_encoding(CheckedPair &pair, FindingSink &findings) {
    findings.judge(encoding_problem(*pair.destination), "the database's encoding is \"UTF8\"");
}

// Where the extension can be made, what is left to do is init, and what would keep the role from that is told too.
void check_extension(CheckedPair &pair, FindingSink &findings) {
    PostgresConnection &destination = *pair.destination;
    std::optional<Problem> problem = extension_problem(destination);
    if (problem) return findings.fail(problem->what, problem->mend);
    pair.has_extension =
        destination.execute("SELECT FROM pg_extension WHERE extname = 'waltrail'").rows() > 0;
    if (pair.has_extension)
        return findings.ok("extension \"waltrail\" is installed in version " WALTRAIL_VERSION);
    findings.fail(
        "extension \"waltrail\" is not installed, but available in version " WALTRAIL_VERSION,
        "run \"waltrail init\"");
    for (auto &obstacle : {partman_problem(destination), creation_right_problem(destination)})
        if (obstacle) findings.fail(obstacle->what, obstacle->mend);
}

void check_trail(CheckedPair &pair, FindingSink &findings) {
    if (!pair.has_extension) return;
    require_trail(*pair.destination);
    // The role is apply's. Whatever it lacks, what it may see is looked at.
    pair.has_trail = true;
    if (auto problem = trail_right_problem(*pair.destination, TrailUse::write))
        return findings.fail(problem->what, problem->mend);
    Result problem = pair.destination->execute("SELECT rtrim(changes.trail_problem(), '.')");
    pair.has_trail = problem.is_null(0, 0);
    if (pair.has_trail) return findings.ok("the table \"changes\" and those beside it are there");
    findings.fail(
        fmt::format("table \"public.changes\" is not as a trail is: {}", problem.text(0, 0)),
        "put its columns back, or rename it and run \"waltrail init\"");
}

} // namespace waltrail

#include "apply/checks.hpp"
#include "apply/source_patterns.hpp"
#include "apply/source_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace waltrail {

namespace {

void tell_unmatched(CheckedPair &pair, std::string_view name, PatternKind kind,
                    const std::vector<std::string> &lists, FindingSink &findings) {
    for (std::string &what : unmatched_patterns(*pair.source, name, kind, lists))
        findings.warn(std::move(what),
                      "correct it unless what it is for is still to come; case counts");
}

} // namespace

// What is malformed is no part of the selection: no stream starts with it.
void check_source_settings(CheckedPair &pair, FindingSink &findings) {
    std::vector<std::string> in_force;
    for (const SourcePatternSetting &setting : source_pattern_settings()) {
        std::string list = source_setting(*pair.source, setting.name).value_or("");
        if (list.empty()) continue;
        if (std::string problem = pattern_problem(setting.kind, list); !problem.empty()) {
            findings.fail(fmt::format("setting {} of the source is malformed, so that no stream "
                                      "can start",
                                      setting.name),
                          problem);
            continue;
        }
        in_force.push_back(fmt::format("{} = '{}'", setting.name, list));
        (pair.selection.*setting.lists).push_back(list);
        (pair.source_selection.*setting.lists).push_back(list);
    }
    pair.mask_key_file = source_setting(*pair.source, mask_key_file_setting);
    if (pair.mask_key_file && !pair.mask_key_file->empty())
        in_force.push_back(fmt::format("{} = '{}'", mask_key_file_setting, *pair.mask_key_file));
    if (in_force.empty())
        findings.ok("no setting of the source excludes or masks anything");
    else
        findings.ok(fmt::format("settings of the source in force: {}", fmt::join(in_force, ", ")));
    for (const std::string &name : unknown_source_settings(*pair.source))
        findings.warn(fmt::format("setting {} of the source is unknown and does nothing", name),
                      "correct its name where it is set: ALTER DATABASE, ALTER ROLE or "
                      "postgresql.conf");
}

void check_patterns(CheckedPair &pair, FindingSink &findings) {
    for (const PatternSetting &setting : pattern_settings())
        tell_unmatched(pair, setting.flag, setting.kind, pair.settings.selection.*setting.lists,
                       findings);
    for (const SourcePatternSetting &setting : source_pattern_settings())
        tell_unmatched(pair, setting.name, setting.kind, pair.source_selection.*setting.lists,
                       findings);
}

} // namespace waltrail

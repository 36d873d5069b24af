#include "apply/check_report.hpp"

#include "apply/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace waltrail {

namespace {

std::string counted(size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace

FindingCount count_findings(const std::vector<Finding> &findings) {
    FindingCount count;
    for (const Finding &finding : findings) {
        count.errors += finding.severity == Severity::error;
        count.warnings += finding.severity == Severity::warning;
    }
    return count;
}

void sort_findings(std::vector<Finding> &findings) {
    std::stable_sort(findings.begin(), findings.end(), [](const Finding &a, const Finding &b) {
        return std::tuple(a.end, b.severity) < std::tuple(b.end, a.severity);
    });
}

std::string findings_text(const std::vector<Finding> &findings) {
    std::string text;
    for (const Finding &finding : findings)
        text +=
            fmt::format("{:<11}  {:<7}  {}{}{}\n", name_of(finding.end), name_of(finding.severity),
                        finding.what, finding.mend.empty() ? "" : ": ", finding.mend);
    FindingCount count = count_findings(findings);
    return text + fmt::format("{}, {}\n", counted(count.errors, "error"),
                              counted(count.warnings, "warning"));
}

std::string findings_json(const std::vector<Finding> &findings) {
    FindingCount count = count_findings(findings);
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Finding &finding : findings)
        list.push_back({{"end", name_of(finding.end)},
                        {"severity", name_of(finding.severity)},
                        {"check", finding.check},
                        {"what", finding.what},
                        {"where", finding.where},
                        {"mend", finding.mend.empty() ? nlohmann::ordered_json()
                                                      : nlohmann::ordered_json(finding.mend)}});
    return json_text({{"errors", count.errors}, {"warnings", count.warnings}, {"findings", list}});
}

} // namespace waltrail

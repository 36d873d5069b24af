#include "apply/finding.hpp"

#include <fmt/format.h>

#include <array>

namespace waltrail {

namespace {

constexpr std::array<std::string_view, 4> severity_names{"ok", "note", "warning", "error"};
constexpr std::array<std::string_view, 2> end_names{"source", "destination"};

constexpr std::string_view query_canceled = "57014";

} // namespace

std::string_view name_of(Severity severity) {
    return severity_names[static_cast<size_t>(severity)];
}

std::string_view name_of(End end) { return end_names[static_cast<size_t>(end)]; }

void FindingSink::note(std::string what, std::string mend) {
    add(Severity::note, std::move(what), std::move(mend));
}

void FindingSink::warn(std::string what, std::string mend) {
    add(Severity::warning, std::move(what), std::move(mend));
}

void FindingSink::fail(std::string what, std::string mend) {
    add(Severity::error, std::move(what), std::move(mend));
}

void FindingSink::judge(const std::optional<Problem> &problem, std::string what_is_good) {
    if (problem)
        fail(problem->what, problem->mend);
    else
        ok(std::move(what_is_good));
}

// | SQLSTATE | then                                                          |
// |----------|---------------------------------------------------------------|
// | 42501    | warning: this role may not look, which says nothing of apply's |
// | 57014    | warning: check's own timeout                                  |
// | other    | error, as the Error says it                                   |
void FindingSink::take(const Error &error, std::string_view subject) {
    std::string problem = without_where(error.problem());
    if (error.sqlstate() == insufficient_privilege)
        warn(fmt::format("could not look at {}: {}", subject, problem),
             "grant this role the right, or run check as one that has it");
    else if (error.sqlstate() == query_canceled)
        warn(fmt::format("could not look at {} in time: {}", subject, problem), "run check again");
    else
        fail(std::move(problem), error.hint());
}

void FindingSink::add(Severity severity, std::string what, std::string mend) {
    findings_.push_back({end_, severity, check_, one_line(what), where_, one_line(mend)});
}

std::string FindingSink::without_where(const std::string &problem) const {
    std::string prefix = where_ + ": ";
    return problem.starts_with(prefix) ? problem.substr(prefix.size()) : problem;
}

} // namespace waltrail

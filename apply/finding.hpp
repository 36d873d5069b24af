// What `waltrail check` finds: each finding is one thing that was looked at, how it is, and what mends it.
#pragma once

#include "apply/error.hpp"
#include "apply/prerequisites.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waltrail {

// | severity | means                                                                                  |
// |----------|----------------------------------------------------------------------------------------|
// | ok       | looked at, and as it should be                                                         |
// | note     | as it may be, and good to know                                                         |
// | warning  | apply works, but something is missing from the trail or will be, or was not to be seen |
// | error    | apply does not work                                                                    |
enum class Severity { ok, note, warning, error };

enum class End { source, destination };

[[nodiscard]] std::string_view name_of(Severity severity);
[[nodiscard]] std::string_view name_of(End end);

struct Finding {
    End end = End::source;
    Severity severity = Severity::ok;
    std::string check; // which check found it: a name for programs
    std::string what;  // one line
    std::string where; // `source "db" at host`; only `source` where there is no connection
    std::string mend;  // empty where there is nothing to mend
};

// Where one check puts what it finds.
class FindingSink {
  public:
    FindingSink(std::vector<Finding> &findings, End end, std::string check, std::string where)
        : findings_(findings), end_(end), check_(std::move(check)), where_(std::move(where)) {}

    // The check has connected only now.
    void set_where(std::string where) { where_ = std::move(where); }

    void ok(std::string what) { add(Severity::ok, std::move(what), ""); }
    void note(std::string what, std::string mend = "");
    void warn(std::string what, std::string mend);
    void fail(std::string what, std::string mend);
    // An error where there is a problem, otherwise ok.
    void judge(const std::optional<Problem> &problem, std::string what_is_good);
    // What a check threw. A right that the role lacks and a timeout are no error of what was to be looked at (`subject`).
    void take(const Error &error, std::string_view subject);

  private:
    void add(Severity severity, std::string what, std::string mend);
    [[nodiscard]] std::string without_where(const std::string &problem) const;

    std::vector<Finding> &findings_;
    End end_;
    std::string check_;
    std::string where_;
};

} // namespace waltrail

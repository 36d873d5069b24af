// The one error of the program. It says in one line what failed, where and how to mend it, and carries what to do next, so
// that no caller ever looks at a message to decide.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace waltrail {

enum class Disposition {
    retry,     // the same transaction again, at once (serialization failure, deadlock)
    reconnect, // with backoff: connection lost, server starting, disk full
    row,       // the destination refuses one row: quarantine it
    stop,      // a person must act
};

// Exit codes of the program, listed in the README.
enum class ExitCode : int { success = 0, failure = 1, usage = 2, differences = 3 };

class Error : public std::runtime_error {
  public:
    // `hint` says how to mend it, as a sentence without its full stop; may be empty.
    Error(Disposition disposition, const std::string &what, const std::string &hint = "",
          const std::string &sqlstate = "", const std::string &end = "")
        : std::runtime_error(hint.empty() ? what : what + ": " + hint), disposition_(disposition),
          problem_(what), hint_(hint), sqlstate_(sqlstate), end_(end) {}

    [[nodiscard]] Disposition disposition() const { return disposition_; }
    // The two parts of what().
    [[nodiscard]] const std::string &problem() const { return problem_; }
    [[nodiscard]] const std::string &hint() const { return hint_; }
    // Empty when no server said it.
    [[nodiscard]] const std::string &sqlstate() const { return sqlstate_; }
    // Where it failed: "source", "destination", or empty.
    [[nodiscard]] const std::string &end() const { return end_; }

  private:
    Disposition disposition_;
    std::string problem_;
    std::string hint_;
    std::string sqlstate_;
    std::string end_;
};

// SQLSTATEs that more than one place looks at.
inline constexpr std::string_view insufficient_privilege = "42501";
inline constexpr std::string_view undefined_file = "58P01"; // of a library that is not there

// What to do about an error of a server, by its SQLSTATE. Empty: the connection broke.
[[nodiscard]] Disposition disposition_of(std::string_view sqlstate);

// The first line of a server's message, without line breaks in what remains.
[[nodiscard]] std::string one_line(std::string_view message);

} // namespace waltrail

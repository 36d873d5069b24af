// How log messages are written on stderr: as lines for people, or as one JSON object a line. Messages quote names of users' tables and
// words of servers, which may hold any byte; a JSON object is one line of valid UTF-8 whatever they hold.
//
//   {"time":"2026-01-31T12:00:00.123Z","level":"warn","message":"…","source":"shop","slot":"waltrail"}
#pragma once

#include <string>

namespace waltrail {

enum class LogFormat { text, json };

// Once, before anything is logged. `level` is one of spdlog's names.
void start_log(const std::string &level, LogFormat format);

// JSON objects say from now on whose they are, by its label and slot.
void name_source_in_log(const std::string &label, const std::string &slot);

// What a subcommand tells its user on stderr, apart from the log: `waltrail: …` in text, and like a log message in JSON.
void tell_warning(const std::string &message);
void tell_error(const std::string &message);

} // namespace waltrail

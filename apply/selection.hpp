// What is recorded, as the settings of `waltrail apply` and `waltrail check` and as options of the plugin: one table of the
// settings that hold patterns, so that flags, environment, file, checks and plugin can never disagree. The grammar is that of
// wire/name_pattern.hpp.
#pragma once

#include "wire/name_pattern.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace waltrail {

// Each string is a list of patterns. An empty vector: not given.
struct Selection {
    std::vector<std::string> tables;
    std::vector<std::string> exclude_tables;
    std::vector<std::string> ignore_columns;
    std::vector<std::string> exclude_columns;
    std::vector<std::string> mask_columns;
    bool truncate = true; // record TRUNCATE
};

enum class PatternKind { table, column };

struct PatternSetting {
    const char *option; // of the plugin
    const char *flag;   // of the program
    const char *environment;
    PatternKind kind;
    std::vector<std::string> Selection::*lists;
    const char *help;
};

// All settings that hold patterns.
[[nodiscard]] std::span<const PatternSetting> pattern_settings();

// What is wrong with the first bad pattern of the list, and how one is written; empty when all are good.
[[nodiscard]] std::string pattern_problem(PatternKind kind, std::string_view list);

// The patterns of lists that pattern_problem() has found good. They point into the lists.
[[nodiscard]] std::vector<wire::NamePattern> read_patterns(const std::vector<std::string> &lists);

// The options of the plugin: only what was given, and whether TRUNCATE is recorded.
[[nodiscard]] std::map<std::string, std::string> plugin_options(const Selection &selection);

} // namespace waltrail

#include "apply/selection.hpp"

#include "apply/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace waltrail {

namespace {

constexpr PatternSetting settings[] = {
    {"tables", "--tables", "WALTRAIL_TABLES", PatternKind::table, &Selection::tables,
     "record only these tables: patterns schema.table, with *, separated by commas"},
    {"exclude_tables", "--exclude-tables", "WALTRAIL_EXCLUDE_TABLES", PatternKind::table,
     &Selection::exclude_tables,
     "do not record these tables: patterns schema.table, with *, separated by commas"},
    {"ignore_columns", "--ignore-columns", "WALTRAIL_IGNORE_COLUMNS", PatternKind::column,
     &Selection::ignore_columns,
     "do not record an UPDATE that changes only these columns: patterns schema.table.column or "
     "*.column, with *, separated by commas"},
    {"exclude_columns", "--exclude-columns", "WALTRAIL_EXCLUDE_COLUMNS", PatternKind::column,
     &Selection::exclude_columns, "values of these columns never leave the source: such patterns"},
    {"mask_columns", "--mask-columns", "WALTRAIL_MASK_COLUMNS", PatternKind::column,
     &Selection::mask_columns,
     "values of these columns are replaced by a keyed hash on the source: such patterns"},
};

constexpr const char *how_to_write[] = {
    "write schema.table, * for any characters, a name with other characters in double quotes, and "
    "commas between patterns",
    "write schema.table.column or *.column, * for any characters, a name with other characters in "
    "double quotes, and commas between patterns",
};

const char *check_pattern(PatternKind kind, const wire::NamePattern &pattern) {
    return kind == PatternKind::table ? wire::check_table_pattern(pattern)
                                      : wire::check_column_pattern(pattern);
}

} // namespace

std::span<const PatternSetting> pattern_settings() { return settings; }

std::string pattern_problem(PatternKind kind, std::string_view list) {
    const char *problem = nullptr;
    wire::NamePattern pattern;
    std::string_view rest = list;
    do {
        std::string_view shown = rest;
        problem = wire::read_name_pattern(rest, pattern);
        if (problem == nullptr) {
            problem = check_pattern(kind, pattern);
            shown = pattern.text;
        }
        if (problem != nullptr)
            return fmt::format("invalid pattern \"{}\", {}: {}", one_line(shown), problem,
                               how_to_write[static_cast<int>(kind)]);
    } while (!rest.empty());
    return "";
}

std::vector<wire::NamePattern> read_patterns(const std::vector<std::string> &lists) {
    std::vector<wire::NamePattern> patterns;
    for (std::string_view list : lists) {
        wire::NamePattern pattern;
        while (!list.empty() && wire::read_name_pattern(list, pattern) == nullptr)
            patterns.push_back(pattern);
    }
    return patterns;
}

std::map<std::string, std::string> plugin_options(const Selection &selection) {
    std::map<std::string, std::string> options{{"truncate", selection.truncate ? "on" : "off"}};
    for (const PatternSetting &setting : settings)
        if (const auto &lists = selection.*setting.lists; !lists.empty())
            options[setting.option] = fmt::format("{}", fmt::join(lists, ","));
    return options;
}

} // namespace waltrail

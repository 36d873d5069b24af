// Patterns over the names of tables and columns, as the plugin's options, `waltrail apply` and `waltrail init` take them: one
// grammar for all of them, so that a pattern means the same wherever it is written.
//
//   list    = pattern { "," pattern }          blanks around a pattern do not count
//   pattern = part { "." part }                schema.table, or schema.table.column
//   part    = "…" | characters                 in quotes everything stands for itself, and "" for a quote;
//                                              without, * stands for any characters, none included; case counts
//
// Nothing is allocated: a pattern points into the list that it was read from.
#pragma once

#include <cstddef>
#include <string_view>

namespace waltrail::wire {

struct NamePart {
    std::string_view text; // as written, without the outer quotes
    bool quoted = false;
};

struct NamePattern {
    static constexpr size_t parts_max = 3;
    std::string_view text; // as written
    NamePart parts[parts_max]{};
    size_t count = 0;
};

// Reads the first pattern of `list` and moves `list` behind it and its comma. Returns null, or what is wrong with the pattern
// at the start of `list`, which then stays where it was. `list` must not be empty.
const char *read_name_pattern(std::string_view &list, NamePattern &pattern);

// Whether the name is one that the part stands for.
bool matches(const NamePart &part, std::string_view name);

// `schema.table`.
bool matches_table(const NamePattern &pattern, std::string_view schema, std::string_view table);

// `schema.table.column`, or `*.column` for that column in every table.
bool matches_column(const NamePattern &pattern, std::string_view schema, std::string_view table,
                    std::string_view column);

// Null where the pattern has as many parts as its use wants, otherwise what is wrong.
const char *check_table_pattern(const NamePattern &pattern);
const char *check_column_pattern(const NamePattern &pattern);

} // namespace waltrail::wire

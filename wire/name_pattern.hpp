// Patterns over the names of tables and columns, as the plugin's options, `waltrail apply` and `waltrail init` take them: one
// grammar for all of them, so that a pattern means the same wherever it is written.
//
//   list    = pattern { "," pattern }          blanks around a pattern do not count
//   pattern = part { "." part }                schema.table, or schema.table.column
//   part    = "…" | characters                 in quotes everything stands for itself, and "" for a quote;
//                                              without, * stands for any characters, none included; case counts
//
// Patterns and names are compared as bytes in one encoding, whichever it is, as long as its ASCII characters are single bytes.
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

// The length in bytes of the character at the start of a text that is not empty: 1 at least, and no more than there is. * stands
// for whole characters, so that the end of one and the start of the next are never taken for a third.
using CharacterLength = size_t (*)(std::string_view text);

// Of UTF-8, where no character is found inside of others, and of encodings whose characters are single bytes.
inline size_t one_byte(std::string_view) { return 1; }

// Whether the name is one that the part stands for.
bool matches(const NamePart &part, std::string_view name, CharacterLength length = one_byte);

// `schema.table`.
bool matches_table(const NamePattern &pattern, std::string_view schema, std::string_view table,
                   CharacterLength length = one_byte);

// `schema.table.column`, or `*.column` for that column in every table.
bool matches_column(const NamePattern &pattern, std::string_view schema, std::string_view table,
                    std::string_view column, CharacterLength length = one_byte);

// Null where the pattern has as many parts as its use wants, otherwise what is wrong.
const char *check_table_pattern(const NamePattern &pattern);
const char *check_column_pattern(const NamePattern &pattern);

} // namespace waltrail::wire

#include "wire/name_pattern.hpp"

#include "wire/memory.hpp"

namespace waltrail::wire {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t skip_blanks(std::string_view list, size_t at) {
    while (at < list.size() && is_blank(list[at])) at++;
    return at;
}

// `at` is on the opening quote and moves behind the closing one.
const char *read_quoted(std::string_view list, size_t &at, NamePart &part) {
    size_t start = ++at;
    for (; at < list.size(); at++) {
        if (list[at] != '"') continue;
        if (at + 1 == list.size() || list[at + 1] != '"') break;
        at++; // a doubled quote
    }
    if (at == list.size()) return "a quote is not closed";
    part = {slice(list, start, at - start), true};
    at++;
    return part.text.empty() ? "a name is empty" : nullptr;
}

const char *read_bare(std::string_view list, size_t &at, NamePart &part) {
    size_t start = at;
    size_t end = at; // behind the last character that is not blank
    for (; at < list.size() && list[at] != '.' && list[at] != ','; at++) {
        if (list[at] == '"') return "a quote stands in the middle of a name";
        if (!is_blank(list[at])) end = at + 1;
    }
    part = {slice(list, start, end - start), false};
    return part.text.empty() ? "a name is empty" : nullptr;
}

// A quoted part writes each of its quotes twice.
bool equals_quoted(std::string_view text, std::string_view name) {
    size_t at = 0;
    for (char c : name) {
        if (at == text.size() || text[at] != c) return false;
        at += c == '"' ? 2 : 1;
    }
    return at == text.size();
}

// The usual search with one point to come back to: the last * seen takes one more character at each failure.
bool matches_stars(std::string_view pattern, std::string_view name, CharacterLength length) {
    constexpr size_t none = SIZE_MAX;
    size_t p = 0, n = 0, star = none, taken = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = n;
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            p++;
            n++;
        } else if (star != none) {
            p = star + 1;
            taken += length(slice(name, taken, name.size() - taken));
            n = taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') p++;
    return p == pattern.size();
}

} // namespace

const char *read_name_pattern(std::string_view &list, NamePattern &pattern) {
    pattern = {};
    size_t at = skip_blanks(list, 0);
    size_t start = at;
    while (true) {
        if (pattern.count == NamePattern::parts_max) return "there are more than three names";
        NamePart &part = pattern.parts[pattern.count++];
        bool quoted = at < list.size() && list[at] == '"';
        const char *problem = quoted ? read_quoted(list, at, part) : read_bare(list, at, part);
        if (problem != nullptr) return problem;
        at = skip_blanks(list, at);
        if (at == list.size() || list[at] == ',') break;
        if (list[at] != '.') return "something follows a quoted name";
        at = skip_blanks(list, at + 1);
    }
    pattern.text = slice(list, start, at - start);
    while (is_blank(pattern.text.back())) pattern.text.remove_suffix(1);
    bool ends_with_comma = at < list.size() && skip_blanks(list, at + 1) == list.size();
    if (ends_with_comma) return "nothing follows the last comma";
    list.remove_prefix(at < list.size() ? at + 1 : at);
    return nullptr;
}

bool matches(const NamePart &part, std::string_view name, CharacterLength length) {
    return part.quoted ? equals_quoted(part.text, name) : matches_stars(part.text, name, length);
}

bool matches_table(const NamePattern &pattern, std::string_view schema, std::string_view table,
                   CharacterLength length) {
    return matches(pattern.parts[0], schema, length) && matches(pattern.parts[1], table, length);
}

bool matches_column(const NamePattern &pattern, std::string_view schema, std::string_view table,
                    std::string_view column, CharacterLength length) {
    if (pattern.count == 2) return matches(pattern.parts[1], column, length);
    return matches_table(pattern, schema, table, length) &&
           matches(pattern.parts[2], column, length);
}

const char *check_table_pattern(const NamePattern &pattern) {
    return pattern.count == 2 ? nullptr : "a table is written schema.table";
}

const char *check_column_pattern(const NamePattern &pattern) {
    if (pattern.count == 3) return nullptr;
    bool every_table =
        pattern.count == 2 && !pattern.parts[0].quoted && pattern.parts[0].text == "*";
    return every_table ? nullptr : "a column is written schema.table.column, or *.column";
}

} // namespace waltrail::wire

#include "pattern_list.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

#include "context_memory.hpp"
#include "server_text.hpp"

#include <algorithm>

namespace waltrail {

namespace {

// Names are whole characters, but for those of an SQL_ASCII database, where each byte is one.
size_t server_character(std::string_view text) {
    int length = pg_encoding_mblen(GetDatabaseEncoding(), text.data());
    return std::clamp<size_t>(static_cast<size_t>(length), 1, text.size());
}

} // namespace

PatternProblem check_patterns(std::string_view list, PatternCheck check) {
    while (!list.empty()) {
        std::string_view rest = list;
        wire::NamePattern pattern;
        if (const char *what = read_name_pattern(rest, pattern)) return {what, list};
        if (const char *what = check(pattern)) return {what, pattern.text};
        list = rest;
    }
    return {};
}

void require_patterns(const char *kind, const char *name, std::string_view list,
                      PatternCheck check) {
    PatternProblem problem = check_patterns(list, check);
    if (problem.what == nullptr) return;
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("invalid list of patterns in %s \"%s\": %s", kind, name, problem.what),
            errdetail("The list is wrong from here on: \"%.*s\".",
                      static_cast<int>(problem.where.size()), problem.where.data()),
            errhint("%s", pattern_grammar));
}

ServerName server_name(const char *stored) {
    if (stored == nullptr) return {};
    return {stored, text_to_utf8(stored)};
}

void PatternList::add(MemoryContext context, const char *list, ListEncoding encoding) {
    if (list == nullptr) return;
    if (entries_.data == nullptr) entries_ = buffer_in(context);
    std::string_view rest = MemoryContextStrdup(context, list);
    while (!rest.empty()) {
        Entry entry{{}, encoding};
        if (const char *what = read_name_pattern(rest, entry.pattern))
            elog(ERROR, "could not read a checked list of patterns: %s", what);
        entries_.append(&entry, sizeof entry);
    }
}

bool PatternList::matches_any(std::span<const TableName> names) const {
    for (const Entry &entry : entries())
        for (const TableName &name : names) {
            if (matches_table(entry.pattern, name.schema.stored, name.table.stored,
                              server_character))
                return true;
            if (entry.encoding == ListEncoding::of_database_or_utf8 &&
                matches_table(entry.pattern, name.schema.utf8, name.table.utf8))
                return true;
        }
    return false;
}

bool PatternList::matches_column(std::span<const TableName> names, const ServerName &column) const {
    for (const Entry &entry : entries())
        for (const TableName &name : names) {
            if (wire::matches_column(entry.pattern, name.schema.stored, name.table.stored,
                                     column.stored, server_character))
                return true;
            if (entry.encoding == ListEncoding::of_database_or_utf8 &&
                wire::matches_column(entry.pattern, name.schema.utf8, name.table.utf8, column.utf8))
                return true;
        }
    return false;
}

} // namespace waltrail

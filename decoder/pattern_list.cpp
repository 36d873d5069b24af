#include "pattern_list.hpp"

#include "context_memory.hpp"
#include "server_text.hpp"

namespace waltrail {

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

void PatternList::add(MemoryContext context, const char *list) {
    if (list == nullptr || *list == '\0') return;
    wire::Buffer joined = buffer_in(context);
    joined.append(text_);
    if (!text_.empty()) joined.append_byte(',');
    joined.append(list);
    text_ = joined.view();
}

void PatternList::compile(MemoryContext context) {
    if (text_.empty()) return;
    MemoryContext caller = MemoryContextSwitchTo(context);
    std::string_view list = text_to_utf8(text_);
    wire::Buffer patterns = buffer_in(context);
    while (!list.empty()) {
        wire::NamePattern pattern;
        if (const char *what = read_name_pattern(list, pattern))
            elog(ERROR, "could not read a checked list of patterns: %s", what);
        patterns.append(&pattern, sizeof pattern);
    }
    MemoryContextSwitchTo(caller);
    patterns_ = {reinterpret_cast<const wire::NamePattern *>(patterns.data),
                 patterns.size / sizeof(wire::NamePattern)};
}

bool PatternList::matches_any(std::span<const TableName> names) const {
    for (const wire::NamePattern &pattern : patterns_)
        for (const TableName &name : names)
            if (matches_table(pattern, name.schema, name.table)) return true;
    return false;
}

bool PatternList::matches_column(std::span<const TableName> names, std::string_view column) const {
    for (const wire::NamePattern &pattern : patterns_)
        for (const TableName &name : names)
            if (wire::matches_column(pattern, name.schema, name.table, column)) return true;
    return false;
}

} // namespace waltrail

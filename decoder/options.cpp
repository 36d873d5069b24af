#include "options.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
}

#include "context_memory.hpp"
#include "pattern_list.hpp"

#include <string_view>

namespace waltrail {

namespace {

const char *text_of(const DefElem *option) {
    return option->arg == nullptr ? "" : strVal(option->arg);
}

void refuse_value(const DefElem *option, const char *accepted) {
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("invalid value for option \"%s\": \"%s\"", option->defname, text_of(option)),
            errhint("Valid values are %s.", accepted));
}

void take_format(Options &options, const DefElem *option) {
    std::string_view value = text_of(option);
    if (value != "json" && value != "binary") refuse_value(option, "\"binary\" and \"json\"");
    options.format = value == "json" ? Format::json : Format::binary;
}

void take_truncate(Options &options, const DefElem *option) {
    if (!parse_bool(text_of(option), &options.truncate)) refuse_value(option, "\"on\" and \"off\"");
}

// All lists but `tables` may be empty; a stream without any table is nobody's wish.
template <const char *Options::*list, PatternCheck check>
void take_patterns(Options &options, const DefElem *option) {
    const char *text = text_of(option);
    if (list == &Options::tables && *text == '\0')
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("option \"%s\" is empty", option->defname),
                errhint("Leave it away to record all tables."));
    require_patterns("option", option->defname, text, check);
    options.*list = pstrdup(text);
}

// A number and the blanks around it; 0 is no table's.
bool read_oid(const char *&at, Oid &oid) {
    uint64_t value = 0;
    at += strspn(at, " ");
    const char *start = at;
    for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++)
        value = value * 10 + static_cast<uint64_t>(*at - '0');
    oid = static_cast<Oid>(value);
    bool is_oid = at != start && value != 0 && value <= UINT32_MAX;
    at += strspn(at, " ");
    return is_oid;
}

void take_oids(Options &options, const DefElem *option) {
    const char *at = text_of(option);
    if (*at == '\0') return;
    auto oids = make_array<Oid>(CurrentMemoryContext, strlen(at) / 2 + 1);
    size_t count = 0;
    while (true) {
        if (!read_oid(at, oids[count++])) break;
        if (*at == '\0') {
            options.exclude_oids = oids.first(count);
            return;
        }
        if (*at++ != ',') break;
    }
    refuse_value(option, "OIDs of tables, separated by commas");
}

struct Known {
    const char *name;
    void (*take)(Options &, const DefElem *);
};

constexpr Known known_options[] = {
    {"format", take_format},
    {"tables", take_patterns<&Options::tables, wire::check_table_pattern>},
    {"exclude_tables", take_patterns<&Options::exclude_tables, wire::check_table_pattern>},
    {"exclude_oids", take_oids},
    {"ignore_columns", take_patterns<&Options::ignore_columns, wire::check_column_pattern>},
    {"exclude_columns", take_patterns<&Options::exclude_columns, wire::check_column_pattern>},
    {"mask_columns", take_patterns<&Options::mask_columns, wire::check_column_pattern>},
    {"truncate", take_truncate},
};

const Known &find_known(const DefElem *option) {
    for (const Known &known : known_options)
        if (std::string_view(known.name) == option->defname) return known;
    wire::Buffer names = buffer_in(CurrentMemoryContext);
    for (const Known &known : known_options) {
        bool is_last = &known == std::end(known_options) - 1;
        names.append(names.size == 0 ? "\"" : is_last ? " and \"" : ", \"");
        names.append(known.name);
        names.append_byte('"');
    }
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("unrecognized option of output plugin \"waltrail\": \"%s\"", option->defname),
            errhint("Valid options are %.*s.", static_cast<int>(names.size), names.data));
}

// Of two lists under one name, either could be the one that hides something.
void refuse_repetition(const List *given, int position) {
    const auto *option = static_cast<DefElem *>(list_nth(given, position));
    for (int i = 0; i < position; i++)
        if (std::string_view(static_cast<DefElem *>(list_nth(given, i))->defname) ==
            option->defname)
            ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR),
                    errmsg("option \"%s\" is given more than once", option->defname));
}

} // namespace

Options parse_options(List *given) {
    Options options;
    for (int i = 0; i < list_length(given); i++) {
        const auto *option = static_cast<DefElem *>(list_nth(given, i));
        const Known &known = find_known(option);
        refuse_repetition(given, i);
        known.take(options, option);
    }
    return options;
}

} // namespace waltrail

#include "options.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
}

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

Format parse_format(const DefElem *option) {
    std::string_view value = text_of(option);
    if (value == "json") return Format::json;
    if (value != "binary") refuse_value(option, "\"binary\" and \"json\"");
    return Format::binary;
}

bool parse_switch(const DefElem *option) {
    bool value = true;
    if (!parse_bool(text_of(option), &value)) refuse_value(option, "\"on\" and \"off\"");
    return value;
}

} // namespace

Options parse_options(List *given) {
    Options options;
    ListCell *cell;
    foreach (cell, given) {
        const auto *option = static_cast<DefElem *>(lfirst(cell));
        std::string_view name = option->defname;
        if (name == "format")
            options.format = parse_format(option);
        else if (name == "truncate")
            options.truncate = parse_switch(option);
        else
            ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("unrecognized option of output plugin \"waltrail\": \"%s\"",
                           option->defname),
                    errhint("Valid options are \"format\" and \"truncate\"."));
    }
    return options;
}

} // namespace waltrail

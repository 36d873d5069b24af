#include "render_settings.hpp"

extern "C" {
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/pg_locale.h"
}

#include <string_view>

namespace waltrail {

namespace {

struct Setting {
    const char *name;
    const char *value;
    bool (*holds)();
};

std::string_view view(const char *text) { return text == nullptr ? "" : text; }

// The variables behind the settings are compared, not their texts: this runs once a transaction.
constexpr Setting settings[] = {
    {"TimeZone", "UTC", [] { return view(pg_get_timezone_name(session_timezone)) == "UTC"; }},
    {"DateStyle", "ISO", [] { return DateStyle == USE_ISO_DATES; }},
    {"IntervalStyle", "postgres", [] { return IntervalStyle == INTSTYLE_POSTGRES; }},
    {"extra_float_digits", "1", [] { return extra_float_digits == 1; }},
    {"bytea_output", "hex", [] { return bytea_output == BYTEA_OUTPUT_HEX; }},
    {"search_path", "", [] { return view(namespace_search_path).empty(); }},
    {"lc_monetary", "C", [] { return view(locale_monetary) == "C"; }},
};

} // namespace

int apply_render_settings() {
    int level = 0;
    for (const Setting &setting : settings) {
        if (setting.holds()) continue;
        if (level == 0) level = NewGUCNestLevel();
        set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
                          true, 0, false);
    }
    return level;
}

void restore_settings(int level) {
    if (level != 0) AtEOXact_GUC(true, level);
}

} // namespace waltrail

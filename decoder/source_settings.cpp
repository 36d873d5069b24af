// A list of patterns that is not well formed is refused where a person is told so: by SET, ALTER DATABASE and ALTER ROLE.
// Anywhere else (postgresql.conf, what was stored before the library was known), refusing would mean that PostgreSQL warns and
// goes on without the value, and what should be hidden would leave the source. There the value is taken, and the stream that
// finds it is refused.
#include "source_settings.hpp"

#include "compat.hpp"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/guc.h"
}

#include "pattern_list.hpp"
#include "server_text.hpp"

namespace waltrail {

namespace {

// PostgreSQL keeps a setting's value in a static of its owner.
char *exclude_tables = nullptr;
char *exclude_columns = nullptr;
char *mask_columns = nullptr;
char *mask_key_file = nullptr;

struct Setting {
    const char *name;
    const char *description;
    char **value;
    PatternCheck check; // null: not a list of patterns
    int flags;
    GucStringCheckHook hook;
};

template <PatternCheck check> bool accept_patterns(char **value, void **, GucSource source) {
    if (source < PGC_S_INTERACTIVE) return true;
    PatternProblem problem = check_patterns(*value, check);
    if (problem.what == nullptr) return true;
    GUC_check_errdetail("The list is wrong from \"%.*s\" on: %s.",
                        static_cast<int>(problem.where.size()), problem.where.data(), problem.what);
    GUC_check_errhint("%s", pattern_grammar);
    return false;
}

constexpr Setting settings[] = {
    {"waltrail.exclude_tables", "Tables that are never recorded, whatever a client asks.",
     &exclude_tables, wire::check_table_pattern, 0, accept_patterns<wire::check_table_pattern>},
    {"waltrail.exclude_columns", "Columns whose values never leave this server.", &exclude_columns,
     wire::check_column_pattern, 0, accept_patterns<wire::check_column_pattern>},
    {"waltrail.mask_columns", "Columns whose values leave this server as keyed hashes only.",
     &mask_columns, wire::check_column_pattern, 0, accept_patterns<wire::check_column_pattern>},
    {"waltrail.mask_key_file",
     "File with the key of the hashes, in the data directory or absolute.", &mask_key_file, nullptr,
     GUC_SUPERUSER_ONLY, nullptr},
};

// The contexts in which a role that is no superuser makes a setting: in a session, or as its connection starts.
bool is_of_any_role(GucContext context) { return context == PGC_USERSET || context == PGC_BACKEND; }

// One that nobody but a superuser can have made must be as good as a value that is set later.
void check_placeholder(const Setting &setting) {
    refuse_placeholder(setting.name);
    const config_generic *found = compat::find_setting(setting.name);
    if (found == nullptr || setting.check == nullptr || found->source < PGC_S_INTERACTIVE) return;
    const char *value = *reinterpret_cast<const config_string *>(found)->variable;
    require_patterns("setting", setting.name, value, setting.check);
}

// Two encodings are tried (pattern_list.hpp); a list in a third would hide nothing.
void require_known_encoding(const Setting &setting) {
    std::string_view list = *setting.value;
    if (is_utf8(list) || pg_verifymbstr(list.data(), static_cast<int>(list.size()), true)) return;
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("invalid list of patterns in setting \"%s\": its bytes are no text in the "
                   "database's encoding \"%s\"",
                   setting.name, GetDatabaseEncodingName()),
            errhint("Set it in a session of this database, or write it in UTF-8."));
}

} // namespace

// By what the placeholder says of itself, and before DefineCustomStringVariable() meets it: that would look up the rights of the
// role, which in a walsender, without a transaction, is a crash (pg_parameter_aclcheck()), and elsewhere would only warn.
void refuse_placeholder(const char *name) {
    const config_generic *found = compat::find_setting(name);
    if (found == nullptr) return;
    if (is_of_any_role(found->scontext) || is_of_any_role(found->reset_scontext))
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("permission denied to set parameter \"%s\"", name),
                errhint("Only a superuser can set it. Connect without it."));
}

void define_source_settings() {
    for (const Setting &setting : settings) check_placeholder(setting);
    for (const Setting &setting : settings)
        DefineCustomStringVariable(setting.name, setting.description, nullptr, setting.value, "",
                                   PGC_SUSET, setting.flags, setting.hook, nullptr, nullptr);
}

SourceSettings source_settings() {
    for (const Setting &setting : settings) {
        if (setting.check == nullptr) continue;
        require_known_encoding(setting);
        require_patterns("setting", setting.name, *setting.value, setting.check);
    }
    return {exclude_tables, exclude_columns, mask_columns, mask_key_file};
}

} // namespace waltrail

#include "apply/checks.hpp"
#include "apply/context_trigger.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

bool is_superuser(PostgresConnection &connection) {
    return connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
               .text(0, 0) == "t";
}

// LOAD loads it into this session alone, and is the proof, unless output_plugin_libraries says no. Only a superuser may.
void load_library(CheckedPair &pair, FindingSink &findings) {
    PostgresConnection &source = *pair.source;
    try {
        source.execute("LOAD 'waltrail'");
        if (pair.plugin_is_allowed) findings.ok("output plugin \"waltrail\" can be loaded");
    } catch (const Error &error) {
        if (error.sqlstate() != undefined_file) throw;
        Problem missing = missing_plugin();
        findings.fail(missing.what, missing.mend);
    }
}

} // namespace

void check_wal_level(CheckedPair &pair, FindingSink &findings) {
    findings.judge(wal_level_problem(*pair.source), "wal_level is \"logical\"");
}

void check_replication_right(CheckedPair &pair, FindingSink &findings) {
    std::optional<Problem> problem = replication_right_problem(*pair.source);
    if (problem) pair.may_stream = false;
    findings.judge(problem, "the role may replicate");
}

// Few roles may see the list: pg_settings hides it, where current_setting() says so.
//
// | role may see it | slot of this plugin | then                                                |
// |-----------------|---------------------|-----------------------------------------------------|
// | yes             | any                 | as the list says                                    |
// | no              | yes                 | note: it was allowed when the slot was made         |
// | no              | no                  | warning: could not look                             |
void check_plugin_permission(CheckedPair &pair, FindingSink &findings) {
    try {
        pair.source->execute("SELECT current_setting('output_plugin_libraries', true)");
    } catch (const Error &error) {
        if (error.sqlstate() != insufficient_privilege || pair.slot.plugin != "waltrail") throw;
        return findings.note("the role may not see output_plugin_libraries; output plugin "
                             "\"waltrail\" was allowed when the slot was made");
    }
    std::optional<Problem> problem = plugin_permission_problem(*pair.source);
    pair.plugin_is_allowed = !problem;
    findings.judge(problem, "the server allows output plugin \"waltrail\"");
}

// Where the server's list leaves the plugin out, nothing is said to be well.
//
// | role       | slot of this plugin | extension's files | then                                      |
// |------------|---------------------|-------------------|-------------------------------------------|
// | superuser  | any                 | any               | it is loaded                              |
// | other      | yes                 | any               | ok: the slot could not have been made     |
// | other      | no                  | there             | ok: make install brings both              |
// | other      | no                  | not there         | warning: it may be there all the same     |
void check_plugin_library(CheckedPair &pair, FindingSink &findings) {
    if (is_superuser(*pair.source)) return load_library(pair, findings);
    if (!pair.plugin_is_allowed) return;
    if (pair.slot.plugin == "waltrail")
        return findings.ok("output plugin \"waltrail\" was there when the slot was made");
    if (pair.source->execute("SELECT FROM pg_available_extensions WHERE name = 'waltrail'").rows() >
        0)
        return findings.ok("waltrail is installed on the server");
    findings.warn("waltrail is not seen to be installed on the server",
                  "run make install there if it is not, or run check as a superuser, who can try");
}

void check_preloading(CheckedPair &pair, FindingSink &findings) {
    std::optional<bool> is_preloaded = library_is_preloaded(*pair.source);
    if (!is_preloaded) return;
    if (*is_preloaded)
        return findings.ok("the library is preloaded: changes come with their actor and the "
                           "context of their statement");
    std::string tables = pair.source
                             ->execute("SELECT count(DISTINCT t.tgrelid) FROM pg_trigger AS t "
                                       "WHERE t.tgparentid = 0 AND " +
                                       is_context_trigger())
                             .string(0, 0);
    if (tables != "0")
        return findings.note("the library is not preloaded: changes come without an actor; tables "
                             "with a context trigger: " +
                                 tables,
                             "add waltrail to shared_preload_libraries and restart the server");
    findings.note("the library is not preloaded: changes come without an actor, and with a "
                  "context only where the application or a trigger emits a message",
                  "add waltrail to shared_preload_libraries and restart the server, or run "
                  "\"waltrail init --context-triggers\"");
}

// A slot in use has its walsender.
void check_walsenders(CheckedPair &pair, FindingSink &findings) {
    std::optional<Problem> problem = walsender_problem(*pair.source);
    if (problem) pair.may_stream = false;
    if (problem && pair.slot.active)
        findings.note(problem->what, problem->mend);
    else
        findings.judge(problem, "a walsender is free");
}

void check_replication_connection(CheckedPair &pair, FindingSink &findings) {
    if (!pair.may_stream) return;
    ReplicationStream stream(pair.settings.ends.source);
    pair.system = stream.identify();
    findings.ok("a replication connection works");
}

} // namespace waltrail

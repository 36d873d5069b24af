// `waltrail check`: runs its checks one after another, whatever they find, and reports.
#include "apply/check_report.hpp"
#include "apply/checks.hpp"

#include <cstdio>

namespace waltrail {

namespace {

struct Check {
    const char *name; // for programs: part of the output of --json
    End end;
    void (*look)(CheckedPair &, FindingSink &);
    const char *subject; // for "could not look at …"
    bool connects = false;
};

// In the order in which they need one another: what the destination knows tells what a missing slot means. At each end, in the
// order in which an operator would mend things.
constexpr Check checks[] = {
    {"connection", End::source, check_source_connection, "the source", true},
    {"connection", End::destination, check_destination_connection, "the destination", true},

    {"server", End::destination, check_destination_version, "the server's version"},
    {"encoding", End::destination, check_encoding, "the database's encoding"},
    {"extension", End::destination, check_extension, "the extension"},
    {"trail", End::destination, check_trail, "the trail"},
    {"registration", End::destination, check_registration, "the source's registration"},

    {"server", End::source, check_source_version, "the server's version"},
    {"wal_level", End::source, check_wal_level, "wal_level"},
    {"replication_right", End::source, check_replication_right, "the role's rights"},
    {"plugin_permission", End::source, check_plugin_permission, "output_plugin_libraries"},
    {"slot", End::source, check_slot_is_ours, "the replication slot"},
    {"slot_room", End::source, check_slot_room, "replication slots"},
    {"slot_use", End::source, check_slot_use, "the replication slot"},
    {"slot_wal", End::source, check_slot_wal, "the replication slot"},
    {"slot_failover", End::source, check_slot_failover, "whether the replication slot fails over"},
    {"wal_limit", End::source, check_wal_limit, "max_slot_wal_keep_size"},
    {"plugin_library", End::source, check_plugin_library, "the library"},
    {"preloading", End::source, check_preloading, "shared_preload_libraries"},
    {"walsenders", End::source, check_walsenders, "walsenders"},
    {"replication_connection", End::source, check_replication_connection,
     "a replication connection"},
    {"source_settings", End::source, check_source_settings, "the source's own settings"},
    {"replica_identity", End::source, check_replica_identity, "the tables' replica identity"},
    {"row_identity", End::source, check_row_identity, "the tables' replica identity"},
    {"primary_keys", End::source, check_primary_keys, "the tables' primary keys"},
    {"unlogged_tables", End::source, check_unlogged_tables, "unlogged tables"},
    {"context_triggers", End::source, check_context_triggers, "context triggers"},
    {"patterns", End::source, check_patterns, "what the patterns match"},
    {"mask_key", End::source, check_mask_key, "the mask key"},

    {"progress", End::destination, check_progress, "the recorded progress"},
    {"upkeep", End::destination, check_upkeep, "the role's rights"},
    {"partitions", End::destination, check_partitions, "the partitions"},
    {"default_partition", End::destination, check_default_partition, "the default partition"},
    {"quarantine", End::destination, check_quarantine, "changes.quarantine"},
    {"marks", End::destination, check_marks, "marked changes"},
    {"gaps", End::destination, check_gaps, "changes.gaps"},
    {"clocks", End::destination, check_clocks, "the clocks"},
};

void look_at(const Check &check, CheckedPair &pair, std::vector<Finding> &findings) {
    std::optional<PostgresConnection> &connection =
        check.end == End::source ? pair.source : pair.destination;
    if (!connection && !check.connects) return;
    FindingSink sink(findings, check.end, check.name,
                     connection ? connection->where() : std::string(name_of(check.end)));
    try {
        check.look(pair, sink);
    } catch (const Error &error) {
        sink.take(error, check.subject);
    }
    // Lost: told once, and the other end goes on.
    for (auto *end : {&pair.source, &pair.destination})
        if (*end && (*end)->is_lost()) end->reset();
}

} // namespace

int run_check(const CheckSettings &settings) {
    CheckedPair pair{.settings = settings, .selection = settings.selection};
    std::vector<Finding> findings;
    for (const Check &check : checks) look_at(check, pair, findings);
    sort_findings(findings);
    std::string report = settings.json ? findings_json(findings) : findings_text(findings);
    std::fputs(report.c_str(), stdout);
    return static_cast<int>(count_findings(findings).errors == 0 ? ExitCode::success
                                                                 : ExitCode::failure);
}

} // namespace waltrail

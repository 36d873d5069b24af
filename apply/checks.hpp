// The checks of `waltrail check`, by subject. Each looks at one thing, changes nothing, and puts what it finds into the sink;
// an Error that it throws becomes a finding too. They run in the order of the list in check_command.cpp: a later one may use what
// an earlier one has left in CheckedPair, and says nothing where that is missing, because its absence has been told.
#pragma once

#include "apply/finding.hpp"
#include "apply/progress.hpp"
#include "apply/replication_stream.hpp"
#include "apply/settings.hpp"

#include <optional>

namespace waltrail {

struct CheckedPair {
    const CheckSettings &settings;
    Selection selection; // the client's and, once it is read, what the source's own settings add
    Selection source_selection;                    // of these, the source's own; well formed
    std::optional<std::string> mask_key_file;      // of the source's setting; none: not to be told
    std::optional<PostgresConnection> source;      // none: it does not connect
    std::optional<PostgresConnection> destination; // none: it does not connect
    bool plugin_is_allowed = true;                 // as far as the role may see
    bool may_stream = true;                        // the source would take a replication connection
    std::optional<SourceSystem> system;            // none: no replication connection
    SlotState slot;
    bool slot_is_good = false; // as far as the slot alone tells
    bool has_extension = false;
    bool has_trail = false;
    std::optional<Progress> progress; // none: the destination does not know this source
};

// check_connection.cpp: both servers answer, and are of a good version.
void check_source_connection(CheckedPair &pair, FindingSink &findings);
void check_destination_connection(CheckedPair &pair, FindingSink &findings);
void check_source_version(CheckedPair &pair, FindingSink &findings);
void check_destination_version(CheckedPair &pair, FindingSink &findings);

// check_source_server.cpp: what the source's server must be and allow.
void check_wal_level(CheckedPair &pair, FindingSink &findings);
void check_replication_right(CheckedPair &pair, FindingSink &findings);
void check_plugin_permission(CheckedPair &pair, FindingSink &findings);
void check_plugin_library(CheckedPair &pair, FindingSink &findings);
void check_preloading(CheckedPair &pair, FindingSink &findings);
void check_walsenders(CheckedPair &pair, FindingSink &findings);
void check_replication_connection(CheckedPair &pair, FindingSink &findings);

// check_slot.cpp: the slot and the WAL that it keeps.
void check_slot_is_ours(CheckedPair &pair, FindingSink &findings);
void check_slot_room(CheckedPair &pair, FindingSink &findings);
void check_slot_use(CheckedPair &pair, FindingSink &findings);
void check_slot_wal(CheckedPair &pair, FindingSink &findings);
void check_slot_failover(CheckedPair &pair, FindingSink &findings);
void check_wal_limit(CheckedPair &pair, FindingSink &findings);

// check_tables.cpp: what the source's tables give to the trail.
void check_replica_identity(CheckedPair &pair, FindingSink &findings);
void check_row_identity(CheckedPair &pair, FindingSink &findings);
void check_primary_keys(CheckedPair &pair, FindingSink &findings);
void check_unlogged_tables(CheckedPair &pair, FindingSink &findings);
void check_context_triggers(CheckedPair &pair, FindingSink &findings);

// check_source_settings.cpp: what is recorded, as the client's settings and the source's own say it.
void check_source_settings(CheckedPair &pair, FindingSink &findings);
void check_patterns(CheckedPair &pair, FindingSink &findings);

// check_mask_key.cpp: the file that the source names, where columns are to be masked.
void check_mask_key(CheckedPair &pair, FindingSink &findings);

// check_destination_server.cpp: the destination's database and what must be installed there.
void check_encoding(CheckedPair &pair, FindingSink &findings);
void check_extension(CheckedPair &pair, FindingSink &findings);
void check_trail(CheckedPair &pair, FindingSink &findings);

// check_partitions.cpp: the partitions of the table `changes`, and who keeps it.
void check_upkeep(CheckedPair &pair, FindingSink &findings);
void check_partitions(CheckedPair &pair, FindingSink &findings);
void check_default_partition(CheckedPair &pair, FindingSink &findings);

// check_progress.cpp: what the destination knows of the source, and whether both agree.
void check_registration(CheckedPair &pair, FindingSink &findings);
void check_progress(CheckedPair &pair, FindingSink &findings);
void check_clocks(CheckedPair &pair, FindingSink &findings);

// check_losses.cpp: what is in the trail differently than it should be, or not at all.
void check_quarantine(CheckedPair &pair, FindingSink &findings);
void check_marks(CheckedPair &pair, FindingSink &findings);
void check_gaps(CheckedPair &pair, FindingSink &findings);

} // namespace waltrail

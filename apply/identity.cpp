#include "apply/identity.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

constexpr const char *start_anew =
    "to go on with a gap, drop the slot if it is there, run \"waltrail init\" with another --slot "
    "and "
    "--label, and note the missing range in changes.gaps (docs/operations.md has the SQL)";

// The recorded timeline must be the current one, or an ancestor that ended at or after the recorded end.
void check_timeline(const SourceSystem &system, const Progress &progress) {
    if (progress.timeline == system.timeline) return;
    for (const TimelineSwitch &past : system.history)
        if (past.timeline == progress.timeline && past.end >= progress.recorded_end) return;
    throw Error(Disposition::stop,
                fmt::format("source \"{}\" is on timeline {}, whose history does not contain {} of "
                            "timeline {} that the trail "
                            "ends at",
                            system.database, system.timeline, lsn_text(progress.recorded_end),
                            progress.timeline),
                fmt::format("the source was restored to an earlier point or failed over to a "
                            "server that was behind: {}",
                            start_anew));
}

} // namespace

void check_slot(const SlotState &slot, const std::string &database, const std::string &name) {
    if (!slot.exists)
        throw Error(
            Disposition::stop,
            fmt::format("source \"{}\" has no replication slot \"{}\"", database, name),
            fmt::format("changes since the recorded position are lost if the slot was dropped: {}",
                        start_anew));
    if (slot.plugin != "waltrail")
        throw Error(
            Disposition::stop,
            fmt::format(
                "slot \"{}\" of source \"{}\" was made with plugin \"{}\", not \"waltrail\"", name,
                database, slot.plugin),
            "name another slot with --slot, or drop this one and run \"waltrail init\"");
    if (slot.database != database)
        throw Error(Disposition::stop,
                    fmt::format("slot \"{}\" belongs to database \"{}\", not \"{}\"", name,
                                slot.database, database),
                    "connect --source to that database, or name another slot");
    bool is_without_wal =
        slot.invalidation_reason.empty() || slot.invalidation_reason == "wal_removed";
    if (slot.wal_status == "lost" && !is_without_wal)
        throw Error(
            Disposition::stop,
            fmt::format("slot \"{}\" of source \"{}\" is invalidated: {}", name, database,
                        slot.invalidation_reason),
            fmt::format("pg_replication_slots.invalidation_reason says why; {}", start_anew));
    if (slot.wal_status == "lost")
        throw Error(
            Disposition::stop,
            fmt::format(
                "slot \"{}\" of source \"{}\" is invalidated: the server removed WAL it needed",
                name, database),
            fmt::format("raise max_slot_wal_keep_size; {}", start_anew));
}

void check_identity(const SourceSystem &system, const SlotState &slot, const std::string &slot_name,
                    const Progress &progress) {
    if (system.system_identifier != progress.system_identifier ||
        system.database_oid != progress.database_oid)
        throw Error(Disposition::stop,
                    fmt::format("source \"{}\" is another database than the one recorded as \"{}\" "
                                "(system {}, OID {}; "
                                "recorded: system {}, OID {})",
                                system.database, progress.label, system.system_identifier,
                                system.database_oid, progress.system_identifier,
                                progress.database_oid),
                    "connect --source to the recorded one, or run \"waltrail init\" with another "
                    "slot and label");
    check_slot(slot, system.database, slot_name);
    check_timeline(system, progress);
    if (progress.recorded_end > system.flushed)
        throw Error(
            Disposition::stop,
            fmt::format("source \"{}\" ends at {}, before {} that the trail has already recorded",
                        system.database, lsn_text(system.flushed), lsn_text(progress.recorded_end)),
            fmt::format("the source was restored to an earlier point: {}", start_anew));
    if (slot.confirmed > progress.recorded_end)
        throw Error(
            Disposition::stop,
            fmt::format("slot \"{}\" was moved to {}, past {} where the trail ends: changes in "
                        "between would be missing",
                        slot_name, lsn_text(slot.confirmed), lsn_text(progress.recorded_end)),
            fmt::format("another client read from the slot, or the destination was restored: {}",
                        start_anew));
}

StartPoint start_point(const SlotState &slot, const Progress &progress) {
    if (progress.last_commit && slot.confirmed <= progress.last_commit->commit_lsn)
        return {progress.last_commit->commit_lsn, true};
    return {progress.recorded_end, false};
}

void check_repeated_commit(const wire::Transaction &received, const Progress &progress) {
    const wire::Transaction &recorded = *progress.last_commit;
    bool same = received.commit_lsn == recorded.commit_lsn &&
                received.end_lsn == recorded.end_lsn && received.xid == recorded.xid &&
                received.committed_at == recorded.committed_at;
    if (same) return;
    throw Error(
        Disposition::stop,
        fmt::format("source \"{}\" has another history: transaction {} at {} came where "
                    "transaction {} at {} was "
                    "recorded",
                    progress.label, received.xid.value, lsn_text(received.commit_lsn),
                    recorded.xid.value, lsn_text(recorded.commit_lsn)),
        fmt::format("the source was restored to an earlier point and has gone on from there: {}",
                    start_anew));
}

} // namespace waltrail

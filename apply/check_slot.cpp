#include "apply/byte_count.hpp"
#include "apply/checks.hpp"
#include "apply/identity.hpp"
#include "apply/slot_failover.hpp"

#include <fmt/format.h>

namespace waltrail {

// | slot    | source registered at the destination | then                                                    |
// |---------|--------------------------------------|---------------------------------------------------------|
// | missing | no, or not to be told                | init, which refuses where the slot is lost              |
// | missing | yes                                  | apply's refusal: changes may be lost                    |
// | there   | any                                  | apply's refusal, or good                                |
void check_slot_is_ours(CheckedPair &pair, FindingSink &findings) {
    const std::string &name = pair.settings.ends.slot;
    if (!pair.slot.exists && !pair.progress)
        return findings.fail(fmt::format("there is no replication slot \"{}\"", name),
                             "run \"waltrail init\", or name the slot that was prepared with "
                             "--slot");
    check_slot(pair.slot, PQdb(pair.source->get()), name);
    pair.slot_is_good = true;
    findings.ok(fmt::format("slot \"{}\" is there, of plugin \"waltrail\"", name));
}

void check_slot_room(CheckedPair &pair, FindingSink &findings) {
    if (!pair.slot.exists)
        findings.judge(slot_room_problem(*pair.source), "a replication slot is free");
}

void check_slot_use(CheckedPair &pair, FindingSink &findings) {
    if (!pair.slot_is_good) return;
    if (pair.slot.active)
        findings.ok(fmt::format("slot \"{}\" is in use by process {}", pair.settings.ends.slot,
                                pair.slot.active_pid));
    else
        findings.note(fmt::format("no apply streams from slot \"{}\" now, which keeps the changes "
                                  "for it",
                                  pair.settings.ends.slot),
                      "run \"waltrail apply\" to have them in the trail; one that runs says in its "
                      "log what it waits for");
}

void check_slot_wal(CheckedPair &pair, FindingSink &findings) {
    if (!pair.slot_is_good) return;
    std::string what = fmt::format("slot \"{}\" keeps {} of WAL", pair.settings.ends.slot,
                                   shown_bytes(pair.slot.retained_bytes));
    if (pair.slot.wal_status == "unreserved")
        findings.warn(what + ", and the next checkpoint may remove some that it needs",
                      "run \"waltrail apply\" now, and raise max_slot_wal_keep_size");
    else
        findings.ok(what);
}

void check_slot_failover(CheckedPair &pair, FindingSink &findings) {
    if (!pair.slot_is_good || !server_has_failover(PQserverVersion(pair.source->get()))) return;
    SlotFailover failover{.slot = pair.settings.ends.slot};
    Result slot = pair.source->execute(
        "SELECT s.failover, current_setting('synchronized_standby_slots') <> '' FROM "
        "pg_replication_slots AS s WHERE s.slot_name = $1",
        {failover.slot});
    if (slot.rows() == 0) return;
    failover.is_enabled = slot.text(0, 0) == "t";
    failover.waits_for_standbys = slot.text(0, 1) == "t";
    failover.standby_slots = first_column(pair.source->execute(
        "SELECT quote_ident(s.slot_name) FROM pg_replication_slots AS s WHERE s.slot_type = "
        "'physical' AND NOT s.temporary ORDER BY 1"));
    failover.absent_standbys = first_column(pair.source->execute(R"(
SELECT n.slot FROM (SELECT btrim(x, ' "') FROM unnest(string_to_array(current_setting('synchronized_standby_slots'), ',')) AS x) AS n (slot)
 WHERE n.slot <> '' AND NOT EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.slot_name = n.slot AND s.active) ORDER BY 1)"));
    judge_failover(failover, findings);
}

void check_wal_limit(CheckedPair &pair, FindingSink &findings) {
    // PostgreSQL 18 has it.
    Result idle = pair.source->execute(
        "SELECT s FROM current_setting('idle_replication_slot_timeout', true) AS s WHERE s <> '0'");
    if (idle.rows() == 1)
        findings.warn(fmt::format("idle_replication_slot_timeout is {}: the slot of an apply that "
                                  "has been down for so long is invalidated, and its changes are "
                                  "lost",
                                  idle.text(0, 0)),
                      "set it to 0");
    std::string limit =
        pair.source->execute("SELECT current_setting('max_slot_wal_keep_size')").string(0, 0);
    if (limit == "-1")
        return findings.note("max_slot_wal_keep_size is unlimited: while apply does not run, WAL "
                             "may fill the source's disk");
    std::string left;
    if (pair.slot.safe_bytes_left)
        left = fmt::format(" ({} left)", shown_bytes(*pair.slot.safe_bytes_left));
    findings.note(fmt::format("max_slot_wal_keep_size is {}: a slot that is further behind is "
                              "invalidated, and its changes are lost{}",
                              limit, left));
}

} // namespace waltrail

#include "apply/slot_failover.hpp"

#include "apply/name_list.hpp"

#include <fmt/format.h>

namespace waltrail {

bool server_has_failover(int server_version) { return server_version >= 170000; }

// Without standbys the option costs nothing: a walsender waits only for what synchronized_standby_slots names.
std::string slot_creation_command(const std::string &quoted_slot, int server_version) {
    return fmt::format("CREATE_REPLICATION_SLOT {} LOGICAL \"waltrail\" (SNAPSHOT 'nothing'{})",
                       quoted_slot, server_has_failover(server_version) ? ", FAILOVER true" : "");
}

// | standbys have slots | the slot fails over | synchronized_standby_slots | then                                                         |
// |---------------------|---------------------|----------------------------|--------------------------------------------------------------|
// | no                  | (any)               | (any)                      | nothing to say                                               |
// | yes                 | no                  | (any)                      | warning: the slot is lost with the server                    |
// | yes                 | yes                 | empty                      | warning: apply may be ahead of a standby, and refuses it     |
// | yes                 | yes                 | names one that is absent   | warning: no change comes until it is back                    |
// | yes                 | yes                 | set                        | ok                                                           |
void judge_failover(const SlotFailover &failover, FindingSink &findings) {
    if (failover.standby_slots.empty()) return;
    if (!failover.is_enabled)
        return findings.warn(
            fmt::format("slot \"{}\" does not fail over: a standby that takes over has none, and "
                        "the trail has a gap",
                        failover.slot),
            fmt::format("end apply, and run psql with the source's connection string and "
                        "replication=database: ALTER_REPLICATION_SLOT \"{}\" (FAILOVER true); set "
                        "sync_replication_slots = on at the standbys",
                        failover.slot));
    if (!failover.waits_for_standbys)
        return findings.warn(
            "synchronized_standby_slots is empty: apply may record what a standby does not have "
            "yet, and refuses that standby when it takes over",
            fmt::format("ALTER SYSTEM SET synchronized_standby_slots to the slots of the standbys "
                        "that may take over (of {}), and sync_replication_slots = on at these",
                        name_list(failover.standby_slots)));
    if (!failover.absent_standbys.empty())
        return findings.warn(
            fmt::format("synchronized_standby_slots names slots that no standby reads ({}): the "
                        "server sends no change to apply until one does",
                        name_list(failover.absent_standbys)),
            "bring these standbys back, or take their slots off the list");
    findings.ok(fmt::format(
        "slot \"{}\" fails over to standbys that have sync_replication_slots on", failover.slot));
}

} // namespace waltrail

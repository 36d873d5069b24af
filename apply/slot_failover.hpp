// Slots that live on when a standby takes over: PostgreSQL 17 and later copy a slot that is made for it to standbys that ask for that. What depends on the
// server's version is decided here, without a server.
#pragma once

#include "apply/finding.hpp"

#include <string>
#include <vector>

namespace waltrail {

// PQserverVersion() of a server that has it.
[[nodiscard]] bool server_has_failover(int server_version);

// The command of the replication protocol that makes the slot, whose name is quoted already.
[[nodiscard]] std::string slot_creation_command(const std::string &quoted_slot, int server_version);

struct SlotFailover {
    std::string slot;
    bool is_enabled = false;
    std::vector<std::string>
        standby_slots;               // physical slots of the server: standbys are fed through them
    bool waits_for_standbys = false; // synchronized_standby_slots names some
    std::vector<std::string> absent_standbys; // of these, the slots that nobody reads
};

// Of a server that has it, and a slot that is there.
void judge_failover(const SlotFailover &failover, FindingSink &findings);

} // namespace waltrail

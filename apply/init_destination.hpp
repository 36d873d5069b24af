// The destination's half of `waltrail init`: extensions, tables and the source's registration, in one transaction.
#pragma once

#include "apply/init_registration.hpp"
#include "apply/init_slot.hpp"
#include "apply/postgres.hpp"
#include "apply/settings.hpp"

#include <string>
#include <vector>

namespace waltrail {

// Opens the transaction, makes the extensions where they are missing, and calls changes.setup(). A retention that is only
// the default leaves that of a trail which is there already as it is.
void prepare_destination(PostgresConnection &destination, const InitSettings &settings);

// Registers the source, in the same transaction. The trail begins with the slot.
void register_source(PostgresConnection &destination, const SourceIdentity &identity,
                     const std::string &label, const std::string &slot, const SlotStart &start);

enum class CommitOutcome { committed, rolled_back, unknown };

// Commits. Where the server does not say what became of it, looks over a new connection whether the registration is there; `problem` is told
// in every case but `committed`.
CommitOutcome commit_destination(PostgresConnection &destination, const Ends &ends,
                                 const SourceIdentity &identity, std::string &problem);

// What the trail keeps, as changes.settings says.
[[nodiscard]] std::string kept_retention(PostgresConnection &destination);

// Makes the partitions; outside of a transaction. Returns what went wrong: the trail works without, and apply comes to it.
[[nodiscard]] std::vector<std::string> maintain_partitions(PostgresConnection &destination);

} // namespace waltrail

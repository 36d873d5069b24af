// What must be true of the two servers, one function for each condition: `waltrail init` refuses at the first that does not
// hold (`apply` where a copy of a trail may differ), `waltrail check` reports them all. Nothing here writes.
#pragma once

#include "apply/postgres.hpp"

#include <optional>
#include <string>

namespace waltrail {

struct Problem {
    std::string what;
    std::string mend; // how to mend it, as a sentence without its full stop
};

// Each returns nullopt where the condition holds, and needs search_path = pg_catalog.

// Of both: PostgreSQL 15 or later, not in recovery.
[[nodiscard]] std::optional<Problem> server_problem(PostgresConnection &connection);

// Of the source.
[[nodiscard]] std::optional<Problem> wal_level_problem(PostgresConnection &source);
[[nodiscard]] std::optional<Problem> replication_right_problem(PostgresConnection &source);
[[nodiscard]] std::optional<Problem> plugin_permission_problem(PostgresConnection &source);
// What the server means with undefined_file.
[[nodiscard]] Problem missing_plugin();
[[nodiscard]] std::optional<Problem> walsender_problem(PostgresConnection &source); // one is free
[[nodiscard]] std::optional<Problem> slot_room_problem(PostgresConnection &source); // for one more

// Of the destination.
[[nodiscard]] std::optional<Problem> encoding_problem(PostgresConnection &destination);
[[nodiscard]] std::optional<Problem> partman_problem(PostgresConnection &destination);
// The extension is there, or can be made, in this program's version.
[[nodiscard]] std::optional<Problem> extension_problem(PostgresConnection &destination);
// Nobody else's tables are in the extension's schema.
[[nodiscard]] std::optional<Problem> schema_problem(PostgresConnection &destination);
// The role may make the extension, or call what is there.
[[nodiscard]] std::optional<Problem> creation_right_problem(PostgresConnection &destination);

// Whether the source has waltrail in shared_preload_libraries; nothing where the role may not see that.
std::optional<bool> library_is_preloaded(PostgresConnection &source);

// Refuses (Disposition::stop) where there is a problem.
void require(const PostgresConnection &connection, const std::optional<Problem> &problem);

} // namespace waltrail

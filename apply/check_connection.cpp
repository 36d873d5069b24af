#include "apply/checks.hpp"
#include "apply/read_only_connection.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

void connect(std::optional<PostgresConnection> &connection, const std::string &conninfo, End end,
             FindingSink &findings) {
    connection.emplace(connect_read_only(conninfo, std::string(name_of(end))));
    findings.set_where(connection->where());
    findings.ok(fmt::format("connected to {} as role \"{}\"", connection->where(),
                            PQuser(connection->get())));
}

void judge_version(PostgresConnection &connection, FindingSink &findings) {
    findings.judge(
        server_problem(connection),
        fmt::format("PostgreSQL {}", PQparameterStatus(connection.get(), "server_version")));
}

} // namespace

// The slot is read here, before anything is read at the destination: apply records first and acknowledges then, so a slot that
// was read later could seem to be past what is recorded.
void check_source_connection(CheckedPair &pair, FindingSink &findings) {
    connect(pair.source, pair.settings.ends.source, End::source, findings);
    pair.slot = read_slot(*pair.source, pair.settings.ends.slot);
}

void check_destination_connection(CheckedPair &pair, FindingSink &findings) {
    connect(pair.destination, pair.settings.ends.destination, End::destination, findings);
}

void check_source_version(CheckedPair &pair, FindingSink &findings) {
    judge_version(*pair.source, findings);
}

void check_destination_version(CheckedPair &pair, FindingSink &findings) {
    judge_version(*pair.destination, findings);
}

} // namespace waltrail

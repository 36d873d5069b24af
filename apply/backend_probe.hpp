// A server that does not answer may be waiting for a lock, or computing, or gone, or the network between may have lost what either side
// said. TCP tells only whether the other machine's kernel, or a proxy, is there. So the server is asked, on a connection of its own, what
// the process of the silent connection is doing. One that waits for us in its turn would do so for ever, with the locks or the slot that it has: it is ended.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace waltrail {

struct BackendProbe {
    // Whether to go on waiting for it.
    bool is_at_work = false;
    // What it does, or what is wrong, for a message: `it waits for Lock relation`.
    std::string finding;
};

// A process of a server: its number, and when it began, because numbers come again.
struct Backend {
    std::string pid;
    std::string began;
};
// Of the connection that is asked.
inline constexpr const char *own_backend_sql =
    "SELECT pid, extract(epoch FROM backend_start) FROM "
    "pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())";

// `settings`: of the silent connection, as libpq takes them, to the same server. `has_spoken`: whether it is silent no more, asked, before its
// process is ended, because that may have answered meanwhile; may wait for a moment. Takes as long as connect_timeout and some seconds at most.
//
// | what the server says                     | is_at_work |                                                     |
// |------------------------------------------|------------|-----------------------------------------------------|
// | nothing, or it refuses the connection    | no         |                                                     |
// | it has no room for another (class 53), or no answer for the role (42501) | yes | what it does is not known, but it works |
// | there is no such process                 | no         | it has ended, and we were not told                  |
// | it waits for its client, or for WAL      | no         | both wait for each other: something was lost; ended |
// | the same, and has spoken                 | yes        | it has answered                                     |
// | it waits for something else, or computes | yes        |                                                     |
[[nodiscard]] BackendProbe probe_backend(std::map<std::string, std::string> settings,
                                         const Backend &backend,
                                         const std::function<bool()> &has_spoken);

// Of a message of libpq in PQERRORS_VERBOSE; empty where no server said it.
[[nodiscard]] std::string sqlstate_of_refusal(std::string_view verbose_message);

} // namespace waltrail

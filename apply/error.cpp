#include "apply/error.hpp"

namespace waltrail {

// | class or state            | means                                   | then      |
// |---------------------------|-----------------------------------------|-----------|
// | (empty), 08, 57P, 58      | connection lost, shutdown, I/O error    | reconnect |
// | 25006, 55006              | the server is a standby; slot in use    | reconnect |
// | 25P03, 25P04              | the server ended a session by a timeout | reconnect |
// | 53                        | disk full, too many connections, memory | reconnect |
// | 40, 55P03                 | serialization, deadlock, lock timeout   | retry     |
// | 22, 23, 54                | the data itself is refused              | row       |
// | everything else           | privilege, missing object, syntax …     | stop      |
Disposition disposition_of(std::string_view sqlstate) {
    if (sqlstate.empty()) return Disposition::reconnect;
    std::string_view group = sqlstate.substr(0, 2);
    if (group == "08" || group == "53" || group == "58") return Disposition::reconnect;
    if (sqlstate.substr(0, 3) == "57P" || sqlstate == "57014" || sqlstate == "25006" ||
        sqlstate == "55006" || sqlstate == "25P03" || sqlstate == "25P04")
        return Disposition::reconnect;
    if (group == "40" || sqlstate == "55P03") return Disposition::retry;
    if (group == "22" || group == "23" || group == "54") return Disposition::row;
    return Disposition::stop;
}

std::string one_line(std::string_view message) {
    std::string line;
    for (char c : message) {
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
        if (c == ' ' && (line.empty() || line.back() == ' ')) continue;
        line += c;
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

} // namespace waltrail

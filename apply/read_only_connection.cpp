#include "apply/read_only_connection.hpp"

namespace waltrail {

PostgresConnection connect_read_only(const std::string &conninfo, const std::string &end) {
    PostgresConnection connection(conninfo, end);
    pin_session(connection);
    connection.execute("SET default_transaction_read_only = on; SET statement_timeout = '30s'");
    return connection;
}

} // namespace waltrail

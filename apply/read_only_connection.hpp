// Connections for looking only: nothing can be written over them and no statement waits for long.
#pragma once

#include "apply/postgres.hpp"

#include <string>

namespace waltrail {

// Throws as PostgresConnection does. A statement of more than 30 s is cancelled (SQLSTATE 57014).
[[nodiscard]] PostgresConnection connect_read_only(const std::string &conninfo,
                                                   const std::string &end);

} // namespace waltrail

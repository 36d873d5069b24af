// Schema waltrail of the source, which holds the functions of the triggers that init makes there.
#pragma once

#include "apply/postgres.hpp"

#include <functional>
#include <string>

namespace waltrail {

[[nodiscard]] bool has_source_schema(PostgresConnection &source);

// How a function of that schema reads now; empty where there is none.
[[nodiscard]] std::string source_function(PostgresConnection &source, const std::string &name,
                                          int parameters);

// Two runs of init at once would take each other's half-made work for their own. Held until the connection ends; an Error (stop)
// where another run holds it.
void lock_init(PostgresConnection &source);

// Runs `work` as one transaction; nothing is left of it, and the connection is usable, when it fails.
void in_transaction(PostgresConnection &source, const std::function<void()> &work);

} // namespace waltrail

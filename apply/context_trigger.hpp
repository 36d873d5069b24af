// The context triggers of the source, for servers where the library cannot be preloaded: what they consist of, in SQL. All of
// it is in schema waltrail but the triggers, of which each table has one.
#pragma once

#include "apply/postgres.hpp"

#include <string>
#include <string_view>

namespace waltrail {

inline constexpr std::string_view context_trigger_name = "waltrail_context";
// The trigger's function, in schema waltrail, where each slot's event trigger has a function named after the slot.
inline constexpr std::string_view context_function_name = "context_trigger";

// Statements that make the functions, or replace them. The comment is /*AFFIX … AFFIX*/; the affix is of letters, digits
// and _ alone. `postgres` is for quoting.
[[nodiscard]] std::string context_functions_sql(const PostgresConnection &postgres,
                                                std::string_view affix);
// Statements that drop them; no error where they are not.
[[nodiscard]] std::string drop_context_functions_sql();

// Of one table; its name is quoted, with its schema.
[[nodiscard]] std::string create_context_trigger_sql(std::string_view table);
[[nodiscard]] std::string drop_context_trigger_sql(std::string_view table,
                                                   std::string_view trigger = context_trigger_name);

// A condition over `t`, a row of pg_trigger: it calls the function, whatever its name. Needs search_path = pg_catalog, and no
// right on anything.
[[nodiscard]] std::string is_context_trigger();
// A condition: the table of this OID, an expression, has such a trigger.
[[nodiscard]] std::string has_context_trigger(std::string_view relid);

// A condition over `procedure`, a row of pg_proc in schema waltrail: it is one of the functions.
[[nodiscard]] std::string is_context_function(std::string_view procedure);
// A condition: the trigger's function is there.
[[nodiscard]] std::string context_function_condition();

} // namespace waltrail

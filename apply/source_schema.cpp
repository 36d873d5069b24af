#include "apply/source_schema.hpp"

#include <fmt/format.h>

namespace waltrail {

bool has_source_schema(PostgresConnection &source) {
    return source.execute("SELECT FROM pg_namespace WHERE nspname = 'waltrail'").rows() > 0;
}

std::string source_function(PostgresConnection &source, const std::string &name, int parameters) {
    Result row =
        source.execute("SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p "
                       "JOIN pg_namespace AS n ON n.oid = p.pronamespace "
                       "WHERE n.nspname = 'waltrail' AND p.proname = $1 AND p.pronargs = $2",
                       {name, std::to_string(parameters)});
    return row.rows() == 0 ? "" : row.string(0, 0);
}

void lock_init(PostgresConnection &source) {
    Result lock =
        source.execute("SELECT pg_try_advisory_lock(hashtextextended('waltrail: init', 0))");
    if (lock.text(0, 0) != "t")
        throw Error(Disposition::stop,
                    fmt::format("{}: another waltrail init is running", source.where()),
                    "wait for it to end, then run init again");
}

void in_transaction(PostgresConnection &source, const std::function<void()> &work) {
    source.execute("BEGIN");
    try {
        work();
        source.execute("COMMIT");
    } catch (const Error &) {
        if (!source.is_lost()) source.execute("ROLLBACK");
        throw;
    }
}

} // namespace waltrail

#include "apply/own_tables.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

constexpr std::string_view record_tables =
    "'settings', 'sources', 'applied', 'relations', 'gaps', 'quarantine', "
    "'holds', 'held', 'drops', 'moves', 'seals', 'permits', 'grants', 'erasures', 'changes'";

// Not to_regclass(): it fails for a role without a right on the schema. A table public.changes is the trail only once setup()
// has made the tables beside it, for setup() refuses any other.
constexpr std::string_view condition_format = R"(
(EXISTS (SELECT FROM pg_extension WHERE extname = 'waltrail')
 AND ((n.nspname = 'changes' AND c.relname IN ({}))
      OR EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS line
                   JOIN pg_class AS root ON root.oid = line.relid
                   JOIN pg_namespace AS root_schema ON root_schema.oid = root.relnamespace
                   JOIN pg_class AS sources ON sources.relname = 'sources'
                   JOIN pg_namespace AS sources_schema ON sources_schema.oid = sources.relnamespace
                  WHERE root_schema.nspname = 'public' AND root.relname = 'changes'
                    AND sources_schema.nspname = 'changes')
      OR EXISTS (SELECT FROM pg_extension AS partman
                  WHERE partman.extname = 'pg_partman'
                    AND ((n.oid = partman.extnamespace AND c.relname = 'template_public_changes')
                         OR EXISTS (SELECT FROM pg_depend AS member
                                     WHERE member.classid = 'pg_class'::regclass AND member.objid = c.oid
                                       AND member.refclassid = 'pg_extension'::regclass
                                       AND member.refobjid = partman.oid AND member.deptype = 'e')))))
)";

// A replication connection may be in a transaction of SQL; it must be over before the stream starts.
std::string own_table_oids(PostgresConnection &source) {
    source.execute("BEGIN READ ONLY");
    source.execute("SET LOCAL search_path = pg_catalog, pg_temp");
    std::string oids =
        source
            .execute(fmt::format("SELECT string_agg(c.oid::text, ',' ORDER BY c.oid) FROM pg_class "
                                 "AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                                 "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {}",
                                 own_table_condition()))
            .string(0, 0);
    source.execute("COMMIT");
    return oids;
}

} // namespace

std::string own_table_condition() { return fmt::format(condition_format, record_tables); }

std::string_view record_table_names() { return record_tables; }

OwnTables::OwnTables(PostgresConnection &source, std::string conninfo)
    : conninfo_(std::move(conninfo)), oids_(own_table_oids(source)) {}

// By a connection of its own: that of the stream is busy with it.
void OwnTables::check(const wire::Relation &met) const {
    bool may_be_own = met.root_schema == "changes" ||
                      (met.root_schema == "public" && met.root_table == "changes");
    if (!may_be_own) return;
    PostgresConnection source(conninfo_, "source");
    if (own_table_oids(source) == oids_) return;
    throw Error(
        Disposition::retry,
        fmt::format("{}: tables of the trail were made anew while it was read", source.where()));
}

} // namespace waltrail

#include "apply/prerequisites.hpp"

#include "apply/own_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace waltrail {

namespace {

constexpr int server_version_min = 150000;
constexpr std::string_view plugin = "waltrail";

std::string value(PostgresConnection &connection, const std::string &sql) {
    Result result = connection.execute(sql);
    return result.rows() == 0 ? "" : result.string(0, 0);
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }) && (name[0] < '0' || name[0] > '9');
}

// The names of a setting like output_plugin_libraries, without the quotes that the server shows them with.
std::vector<std::string> split_name_list(std::string_view list) {
    std::vector<std::string> names(1);
    bool is_quoted = false;
    for (char c : list) {
        if (c == '"')
            is_quoted = !is_quoted;
        else if (c == ',' && !is_quoted)
            names.emplace_back();
        else if (c != ' ' || is_quoted)
            names.back() += c;
    }
    return names;
}

} // namespace

std::optional<Problem> server_problem(PostgresConnection &connection) {
    if (PQserverVersion(connection.get()) < server_version_min)
        return Problem{fmt::format("server version {} is not supported",
                                   PQparameterStatus(connection.get(), "server_version")),
                       "waltrail needs PostgreSQL 15 or later"};
    if (value(connection, "SELECT pg_is_in_recovery()") == "t")
        return Problem{"the server is in recovery and cannot be written to",
                       "name the primary in the connection string"};
    return std::nullopt;
}

std::optional<Problem> replication_right_problem(PostgresConnection &source) {
    Result role =
        source.execute("SELECT quote_ident(rolname), rolsuper OR rolreplication FROM pg_roles "
                       "WHERE rolname = session_user");
    if (role.text(0, 1) != "t")
        return Problem{
            fmt::format("role {} has no right to replicate", role.text(0, 0)),
            fmt::format("a superuser grants it with ALTER ROLE {} REPLICATION", role.text(0, 0))};
    return std::nullopt;
}

std::optional<Problem> wal_level_problem(PostgresConnection &source) {
    if (std::string level = value(source, "SHOW wal_level"); level != "logical")
        return Problem{
            fmt::format("wal_level is \"{}\" and must be \"logical\"", level),
            "run ALTER SYSTEM SET wal_level = logical on the source and restart its server"};
    return std::nullopt;
}

// ALTER SYSTEM takes a list of names; one quoted string would be taken as one name and lock every plugin out. A list that
// somebody has spoilt that way is taken apart in the hint.
std::optional<Problem> plugin_permission_problem(PostgresConnection &source) {
    constexpr std::string_view setting = "output_plugin_libraries";
    Result current =
        source.execute(fmt::format("SELECT setting FROM pg_settings WHERE name = '{}'", setting));
    if (current.rows() == 0) // a minor release that loads any plugin, or a role that may not see it
        return std::nullopt;
    std::vector<std::string> allowed = split_name_list(current.text(0, 0));
    if (std::find(allowed.begin(), allowed.end(), plugin) != allowed.end()) return std::nullopt;

    std::vector<std::string> wanted;
    auto add = [&](const std::string &name) {
        std::string written = is_plain_name(name) ? name : source.quote_literal(name);
        if (!name.empty() && std::find(wanted.begin(), wanted.end(), written) == wanted.end())
            wanted.push_back(written);
    };
    for (auto &entry : allowed)
        for (auto &name : split_name_list(entry)) add(name);
    add(std::string(plugin));
    return Problem{
        fmt::format("output plugin \"{}\" is not listed in {}", plugin, setting),
        fmt::format("run ALTER SYSTEM SET {} = {} on the source (a list, not one quoted string) "
                    "and reload its server",
                    setting, fmt::join(wanted, ", "))};
}

Problem missing_plugin() {
    return {"output plugin \"waltrail\" is not installed on its server",
            "run make install of waltrail there"};
}

std::optional<Problem> walsender_problem(PostgresConnection &source) {
    Result counts = source.execute("SELECT count(*), current_setting('max_wal_senders')::integer, "
                                   "count(*) >= current_setting('max_wal_senders')::integer "
                                   "FROM pg_stat_get_wal_senders()");
    if (counts.text(0, 2) == "t")
        return Problem{
            fmt::format("no walsender is free: {} of max_wal_senders = {} are in use",
                        counts.text(0, 0), counts.text(0, 1)),
            "raise max_wal_senders on the source and restart its server, or end a replication "
            "connection"};
    return std::nullopt;
}

std::optional<Problem> encoding_problem(PostgresConnection &destination) {
    if (std::string encoding = value(destination, "SHOW server_encoding"); encoding != "UTF8")
        return Problem{
            fmt::format("the database's encoding is \"{}\" and must be \"UTF8\"", encoding),
            "create the database with ENCODING 'UTF8' TEMPLATE template0"};
    return std::nullopt;
}

// | waltrail installed | then                                                                     |
// |--------------------|--------------------------------------------------------------------------|
// | no                 | this version must be available, pg_partman too, and the role a superuser  |
// | this version       | good                                                                     |
// | another version    | refused: the program and the SQL it calls belong together                |
std::optional<Problem> extension_problem(PostgresConnection &destination) {
    std::string installed =
        value(destination, "SELECT extversion FROM pg_extension WHERE extname = 'waltrail'");
    if (installed == WALTRAIL_VERSION) return std::nullopt;
    if (!installed.empty())
        return Problem{
            fmt::format(
                "extension \"waltrail\" is version {} and this program is " WALTRAIL_VERSION,
                installed),
            "run ALTER EXTENSION waltrail UPDATE TO '" WALTRAIL_VERSION
            "' and SELECT changes.setup(), or use the program of that version"};
    std::string available =
        value(destination, "SELECT string_agg(version, ', ') FROM "
                           "pg_available_extension_versions WHERE name = 'waltrail'");
    if (available.empty())
        return Problem{"extension \"waltrail\" is not available",
                       "run make install of waltrail on the destination's server"};
    std::vector<std::string> versions = split_name_list(available);
    if (std::find(versions.begin(), versions.end(), WALTRAIL_VERSION) == versions.end())
        return Problem{
            fmt::format("extension \"waltrail\" is available in version {} and this program "
                        "is " WALTRAIL_VERSION,
                        available),
            "install waltrail " WALTRAIL_VERSION
            " on the destination's server, or use the program of that version"};
    return std::nullopt;
}

std::optional<Problem> partman_problem(PostgresConnection &destination) {
    if (value(destination, "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_partman'")
            .empty() &&
        value(destination, "SELECT 1 FROM pg_extension WHERE extname = 'pg_partman'").empty())
        return Problem{
            "extension \"pg_partman\" is not available",
            fmt::format("install the package postgresql-{}-partman on the destination's server",
                        PQserverVersion(destination.get()) / 10000)};
    return std::nullopt;
}

// CREATE EXTENSION takes a schema that is there, whoever it belongs to; its owner could then drop or replace what waltrail has in
// it. Tables of waltrail's outlive their extension and may be there; of those, "sources" is read before setup() can look at it.
std::optional<Problem> schema_problem(PostgresConnection &destination) {
    Result foreign = destination.execute(fmt::format(R"(
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = 'changes' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND (c.relname NOT IN ({}) AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'waltrail')
        OR c.relname = 'sources' AND NOT EXISTS (SELECT FROM pg_attribute AS a
                                                  WHERE a.attrelid = c.oid AND a.attname = 'system_identifier'))
 ORDER BY 1 LIMIT 1)",
                                                     record_table_names()));
    if (foreign.rows() == 0) return std::nullopt;
    return Problem{
        fmt::format("schema \"changes\" is needed by extension \"waltrail\" and holds table \"{}\"",
                    one_line(foreign.text(0, 0))),
        "rename that schema with ALTER SCHEMA changes RENAME TO …, or use another database as the "
        "destination"};
}

// The extension's control file asks for a superuser; once it is there, setup() runs with the rights of its caller.
std::optional<Problem> creation_right_problem(PostgresConnection &destination) {
    Result role = destination.execute(R"(
SELECT quote_ident(current_user),
       rolsuper OR EXISTS (SELECT FROM pg_extension WHERE extname = 'waltrail'),
       has_database_privilege(current_database(), 'CREATE')
       OR EXISTS (SELECT FROM pg_extension WHERE extname = 'waltrail'),
       has_schema_privilege('public', 'CREATE'), quote_ident(current_database())
  FROM pg_roles WHERE rolname = current_user)");
    std::string name = role.string(0, 0);
    if (role.text(0, 1) != "t")
        return Problem{
            fmt::format("role {} may not create extension \"waltrail\"", name),
            "let a superuser run CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA "
            "partman; CREATE EXTENSION waltrail, or connect as a superuser"};
    if (role.text(0, 2) != "t")
        return Problem{fmt::format("role {} may not create schemas", name),
                       fmt::format("its owner grants that with GRANT CREATE ON DATABASE {} TO {}",
                                   role.text(0, 4), name)};
    if (role.text(0, 3) != "t")
        return Problem{
            fmt::format("role {} may not create tables in schema \"public\"", name),
            fmt::format("its owner grants that with GRANT CREATE ON SCHEMA public TO {}", name)};
    Result rights = destination.execute(R"(
SELECT has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE')
       AND has_function_privilege(p.oid, 'EXECUTE')
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'changes' AND p.proname = 'setup')");
    if (rights.rows() > 0 && rights.text(0, 0) != "t")
        return Problem{fmt::format("role {} may not call changes.setup()", name),
                       "connect as the owner of extension \"waltrail\" or as a superuser"};
    return std::nullopt;
}

std::optional<Problem> slot_room_problem(PostgresConnection &source) {
    Result counts =
        source.execute("SELECT count(*), current_setting('max_replication_slots')::integer, "
                       "count(*) >= current_setting('max_replication_slots')::integer "
                       "FROM pg_replication_slots");
    if (counts.text(0, 2) == "t")
        return Problem{
            fmt::format("no replication slot is free: {} of max_replication_slots = {} are in use",
                        counts.text(0, 0), counts.text(0, 1)),
            "raise max_replication_slots on the source and restart its server, or drop a slot that "
            "nobody uses"};
    return std::nullopt;
}

std::optional<bool> library_is_preloaded(PostgresConnection &source) {
    Result list = source.execute(R"(
SELECT setting ~ '(^|[ ,"/])waltrail($|[ ,"])' FROM pg_settings WHERE name = 'shared_preload_libraries')");
    if (list.rows() == 0) return std::nullopt; // hidden, not an error
    return list.text(0, 0) == "t";
}

void require(const PostgresConnection &connection, const std::optional<Problem> &problem) {
    if (problem)
        throw Error(Disposition::stop, fmt::format("{}: {}", connection.where(), problem->what),
                    problem->mend);
}

} // namespace waltrail

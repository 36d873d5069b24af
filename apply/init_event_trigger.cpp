// The trigger's function has everything in it, so that no role needs a right on anything of waltrail's to create a table. It
// never fails a user's statement, and does nothing once its slot is gone or its database has been restored elsewhere.
//
// CREATE SCHEMA may hold CREATE TABLE and then fires only as CREATE SCHEMA. ALTER TABLE counts only where it attaches a
// partition that no pattern matched before: anything else would undo what somebody chose for one table.
#include "apply/init_event_trigger.hpp"

#include "apply/context_trigger.hpp"
#include "apply/source_schema.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

constexpr size_t name_length_max = 63;

// The server tells that a table was altered, not how. A partition that this command attached has a row in pg_inherits of a
// transaction, or a subtransaction, that this session is in the middle of: it holds the lock on its id.
//
// Whether context triggers are wanted is asked when a table comes: their function is there, or is not. Then every slot's event
// trigger makes them, and none has to be told when they are taken away.
std::string function_body(const PostgresConnection &source, const std::string &slot,
                          const std::vector<TablePattern> &patterns, bool sets_identity) {
    return fmt::format(
        R"(
DECLARE
    found record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_replication_slots
                    WHERE slot_name = {slot} AND database = current_database()) THEN
        RETURN;
    END IF;
    FOR found IN
        SELECT * FROM (
            SELECT n.nspname, c.relname,
                   c.relreplident <> 'f' AND {tracked} AS lacks_identity,
                   {has_context_function} AND NOT {has_context_trigger} AND {context_table} AS lacks_context
              FROM (SELECT command.objid, NULL::oid
                      FROM pg_event_trigger_ddl_commands() AS command
                     WHERE command.classid = 'pg_class'::regclass AND tg_tag <> 'ALTER TABLE'
                    UNION
                    SELECT part.relid, command.objid
                      FROM pg_event_trigger_ddl_commands() AS command
                      JOIN pg_inherits AS attached ON attached.inhparent = command.objid
                      CROSS JOIN LATERAL pg_partition_tree(attached.inhrelid) AS part
                     WHERE command.classid = 'pg_class'::regclass AND tg_tag = 'ALTER TABLE'
                       AND attached.xmin IN (SELECT transactionid FROM pg_locks
                                              WHERE locktype = 'transactionid' AND pid = pg_backend_pid() AND granted)
                   ) AS new (relid, attached_to)
              JOIN pg_class AS c ON c.oid = new.relid
              JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE new.attached_to IS NULL OR NOT {matched_before}) AS new_table
         WHERE lacks_identity OR lacks_context
    LOOP
        BEGIN
            IF {sets_identity} AND found.lacks_identity THEN
                EXECUTE format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY FULL', found.nspname, found.relname);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'could not set REPLICA IDENTITY FULL on table "%.%": %',
                found.nspname, found.relname, SQLERRM;
        END;
        BEGIN
            IF found.lacks_context THEN
                EXECUTE format('{create_trigger}', found.nspname, found.relname);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'could not make the context trigger of table "%.%": %',
                found.nspname, found.relname, SQLERRM;
        END;
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'could not look for new tables that waltrail records: %', SQLERRM;
END
)",
        fmt::arg("slot", source.quote_literal(slot)), fmt::arg("sets_identity", sets_identity),
        fmt::arg("tracked", tracked_table_condition(source, patterns)),
        fmt::arg("context_table", context_table_condition(source, patterns)),
        fmt::arg("has_context_function", context_function_condition()),
        fmt::arg("has_context_trigger", has_context_trigger("c.oid")),
        fmt::arg("create_trigger", create_context_trigger_sql("%I.%I")),
        fmt::arg("matched_before",
                 matching_table_condition(source, patterns,
                                          "SELECT relid FROM pg_partition_ancestors(c.oid) "
                                          "EXCEPT SELECT relid FROM "
                                          "pg_partition_ancestors(new.attached_to)")));
}

struct Names {
    std::string trigger;  // quoted
    std::string function; // quoted, with its schema
};

Names quoted_names(const PostgresConnection &source, const std::string &slot) {
    return {source.quote_identifier(event_trigger_name(slot)),
            "waltrail." + source.quote_identifier(slot)};
}

void add_undo(UndoList &undo, const Ends &ends, const Names &names, const std::string &previous,
              bool had_schema) {
    std::string sql = previous;
    if (previous.empty())
        sql = fmt::format(
            "BEGIN; DROP EVENT TRIGGER IF EXISTS {}; DROP FUNCTION IF EXISTS {}(); {} COMMIT",
            names.trigger, names.function, had_schema ? "" : "DROP SCHEMA IF EXISTS waltrail;");
    undo.add(fmt::format("event trigger {} on the source", names.trigger),
             [conninfo = ends.source, sql] {
                 PostgresConnection source(conninfo, "source");
                 source.execute(sql);
             });
}

} // namespace

std::string event_trigger_name(const std::string &slot) {
    return (slot.starts_with("waltrail") ? slot : "waltrail_" + slot).substr(0, name_length_max);
}

bool may_make_event_trigger(PostgresConnection &source) {
    return source.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
               .text(0, 0) == "t";
}

void check_event_trigger(PostgresConnection &source, const std::string &slot) {
    std::string name = event_trigger_name(slot);
    Result row =
        source.execute("SELECT evtfoid::regprocedure FROM pg_event_trigger AS t JOIN pg_proc AS p "
                       "ON p.oid = evtfoid "
                       "JOIN pg_namespace AS n ON n.oid = p.pronamespace "
                       "WHERE evtname = $1 AND (n.nspname <> 'waltrail' OR p.proname <> $2)",
                       {name, slot});
    if (row.rows() > 0)
        throw Error(Disposition::stop,
                    fmt::format("{}: event trigger \"{}\" exists and calls {}", source.where(),
                                name, row.text(0, 0)),
                    "rename it, or choose another name with --slot");
}

void make_event_trigger(PostgresConnection &source, const Ends &ends,
                        const std::vector<TablePattern> &patterns, bool sets_identity,
                        UndoList &undo) {
    Names names = quoted_names(source, ends.slot);
    std::string previous = source_function(source, ends.slot, 0);
    bool had_schema = has_source_schema(source);
    bool had_trigger = source
                           .execute("SELECT FROM pg_event_trigger WHERE evtname = $1",
                                    {event_trigger_name(ends.slot)})
                           .rows() > 0;
    std::string sql;
    if (!had_schema) sql += "CREATE SCHEMA waltrail;";
    sql += fmt::format(
        "CREATE OR REPLACE FUNCTION {}() RETURNS event_trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS {};",
        names.function,
        source.quote_literal(function_body(source, ends.slot, patterns, sets_identity)));
    sql += fmt::format(
        "COMMENT ON FUNCTION {}() IS {};", names.function,
        source.quote_literal(
            "Sets REPLICA IDENTITY FULL on new tables, and on partitions that are attached, that "
            "match the patterns of waltrail init --tables, unless init had "
            "--keep-replica-identity; makes their context trigger where "
            "waltrail.context_trigger() is there. Errors: none, what fails is a WARNING."));
    if (!had_trigger)
        sql += fmt::format("CREATE EVENT TRIGGER {} ON ddl_command_end WHEN TAG IN ('CREATE "
                           "TABLE', 'CREATE TABLE AS', "
                           "'SELECT INTO', 'CREATE SCHEMA', 'ALTER TABLE') EXECUTE FUNCTION {}();",
                           names.trigger, names.function);
    add_undo(undo, ends, names, previous, had_schema); // before: COMMIT may be lost on its way back
    in_transaction(source, [&] { source.execute(sql); });
}

} // namespace waltrail

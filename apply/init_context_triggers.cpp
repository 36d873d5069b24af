// CREATE TRIGGER takes SHARE ROW EXCLUSIVE, DROP TRIGGER takes ACCESS EXCLUSIVE: hence TableRounds.
//
// The schema lets every role look up the function, because the role that creates a table makes its trigger, by the event trigger
// and with its own rights.
#include "apply/init_context_triggers.hpp"

#include "apply/context_trigger.hpp"
#include "apply/name_list.hpp"
#include "apply/prerequisites.hpp"
#include "apply/source_schema.hpp"
#include "apply/table_rounds.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>

namespace waltrail {

namespace {

struct Table {
    std::string oid;
    std::string name; // quoted, with its schema
    bool is_owned;
    bool is_wanted; // lacks the trigger; otherwise it has one that nobody wants
};

// With another slot of waltrail's in the database a trigger that these patterns do not ask for may be that one's.
std::vector<Table> list_tables(PostgresConnection &source, const Ends &ends,
                               const std::string &condition) {
    Result rows = source.execute(fmt::format(R"(
SELECT c.oid, format('%I.%I', n.nspname, c.relname), pg_has_role(c.relowner, 'USAGE'), {0}
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE CASE WHEN {0} THEN NOT {1}
            ELSE EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgname = '{2}' AND {3})
                 AND NOT EXISTS (SELECT FROM pg_replication_slots
                                  WHERE plugin = 'waltrail' AND database = current_database() AND slot_name <> $1) END
 ORDER BY 2)",
                                             condition, has_context_trigger("c.oid"),
                                             context_trigger_name, is_context_trigger()),
                                 {ends.slot});
    std::vector<Table> tables;
    for (int row = 0; row < rows.rows(); row++)
        tables.push_back({rows.string(row, 0), rows.string(row, 1), rows.text(row, 2) == "t",
                          rows.text(row, 3) == "t"});
    return tables;
}

class TriggerRun {
  public:
    TriggerRun(PostgresConnection &source, const Ends &ends, UndoList &undo)
        : source_(source), ends_(ends), rounds_(source, "make or drop the context trigger of"),
          undoing_(std::make_shared<std::vector<std::string>>()) {
        undo.add("context triggers of tables of the source that were locked when they were to be "
                 "taken back",
                 [conninfo = ends.source, undoing = undoing_] { take_back(conninfo, *undoing); });
    }

    void run(const std::string &condition) {
        rounds_.run([&] {
            for (auto &table : list_tables(source_, ends_, condition))
                if (!rounds_.is_settled(table.oid)) settle(table);
        });
    }

    void tell(ContextTriggerReport &report) const {
        report.made = made_;
        report.taken = taken_;
        report.warnings = rounds_.failures();
        auto warn = [&](const std::vector<std::string> &names, std::string_view reason,
                        std::string_view hint) {
            if (!names.empty())
                report.warnings.push_back(fmt::format("{} {}: its context trigger is left as it "
                                                      "is; {}",
                                                      reason, name_list(names), hint));
        };
        warn(rounds_.locked(), "could not lock table", "run init again");
        warn(foreign_, "not the owner of table", "connect as a superuser or its owner");
    }

  private:
    void settle(const Table &table) {
        if (!table.is_owned) {
            rounds_.settle(table.oid);
            foreign_.push_back(table.name);
            return;
        }
        std::string create = create_context_trigger_sql(table.name);
        std::string drop = drop_context_trigger_sql(table.name);
        undoing_->push_back(table.is_wanted ? drop : create); // before: the answer may be lost
        if (rounds_.alter(table.oid, table.name, table.is_wanted ? create : drop))
            (table.is_wanted ? made_ : taken_)++;
        else
            undoing_->pop_back();
    }

    PostgresConnection &source_;
    const Ends &ends_;
    TableRounds rounds_;
    // Shared with the step that takes it back.
    std::shared_ptr<std::vector<std::string>> undoing_;
    std::vector<std::string> foreign_;
    int made_ = 0, taken_ = 0;
};

bool is_visible_to_all(PostgresConnection &source) {
    return source
               .execute("SELECT FROM pg_namespace, aclexplode(nspacl) AS granted WHERE nspname = "
                        "'waltrail' AND grantee = 0 AND privilege_type = 'USAGE'")
               .rows() > 0;
}

} // namespace

void check_context_triggers(PostgresConnection &source) {
    Result row = source.execute(R"(
SELECT has_function_privilege(emit.oid, 'EXECUTE'),
       CASE WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = 'waltrail')
            THEN (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'waltrail')
            ELSE has_database_privilege(current_database(), 'CREATE') END,
       quote_ident(current_user), quote_ident(current_database()), emit.oid::regprocedure
  FROM pg_proc AS emit -- by its first arguments: PostgreSQL 17 has one more
 WHERE emit.proname = 'pg_logical_emit_message' AND emit.pronamespace = 'pg_catalog'::regnamespace AND emit.proargtypes[2] = 'text'::regtype)");
    if (row.text(0, 0) != "t")
        throw Error(
            Disposition::stop,
            fmt::format("{}: role {} may not execute pg_logical_emit_message(), which the context "
                        "triggers do with its right",
                        source.where(), row.text(0, 2)),
            fmt::format("a superuser grants it with GRANT EXECUTE ON FUNCTION {} TO {}",
                        row.text(0, 4), row.text(0, 2)));
    if (row.text(0, 1) != "t")
        throw Error(Disposition::stop,
                    fmt::format("{}: role {} may not make the context triggers' functions in "
                                "schema \"waltrail\"",
                                source.where(), row.text(0, 2)),
                    fmt::format("connect as its owner or as a superuser, or, where there is no "
                                "such schema, run GRANT CREATE ON DATABASE {} TO {}",
                                row.text(0, 3), row.text(0, 2)));
}

void make_context_functions(PostgresConnection &source, const InitSettings &settings,
                            UndoList &undo) {
    bool had_schema = has_source_schema(source);
    bool was_visible = is_visible_to_all(source);
    std::string previous = source_function(source, "comment_context", 1);
    std::string undoing =
        previous.empty()
            ? drop_context_functions_sql()
            : previous + ";" + source_function(source, std::string(context_function_name), 0) + ";";
    if (!had_schema)
        undoing += "DROP SCHEMA IF EXISTS waltrail;";
    else if (!was_visible)
        undoing += "REVOKE USAGE ON SCHEMA waltrail FROM PUBLIC;";
    undo.add("functions of the context triggers in schema waltrail of the source",
             [conninfo = settings.ends.source, undoing] {
                 PostgresConnection source(conninfo, "source");
                 in_transaction(source, [&] { source.execute(undoing); });
             });
    in_transaction(source, [&] {
        if (!had_schema) source.execute("CREATE SCHEMA waltrail");
        source.execute("GRANT USAGE ON SCHEMA waltrail TO PUBLIC");
        source.execute(context_functions_sql(source, settings.comment_affix));
    });
}

ContextTriggerReport set_context_triggers(PostgresConnection &source, const Ends &ends,
                                          const std::vector<TablePattern> &patterns,
                                          UndoList &undo) {
    ContextTriggerReport report;
    std::string condition = context_table_condition(source, patterns);
    Result had = source.execute(
        fmt::format("SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
                    "c.relnamespace WHERE {} AND {}",
                    has_context_trigger("c.oid"), condition));
    report.had = std::atoi(had.string(0, 0).c_str());
    TriggerRun run(source, ends, undo);
    run.run(condition);
    run.tell(report);
    report.is_needless = library_is_preloaded(source).value_or(false);
    return report;
}

} // namespace waltrail

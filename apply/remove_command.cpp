// `waltrail init --remove`: the order of its steps. First everything is looked at, and what the role may not do is refused.
// Then:
//
//   1. the event triggers, in one transaction: from now on no new table gets a context trigger;
//   2. the context triggers, each in a transaction of its own: one for all of them would hold the lock of every table while it
//      waits for the next;
//   3. functions and schema, in one transaction;
//   4. the slot, if that is asked for.
//
// With --context-triggers, 2 and 3 and only what belongs to the triggers. What fails leaves the steps before it done, and
// another run goes on there. Nothing is dropped with CASCADE.
#include "apply/context_trigger.hpp"
#include "apply/counted.hpp"
#include "apply/init_preflight.hpp"
#include "apply/init_slot.hpp"
#include "apply/name_list.hpp"
#include "apply/slot_state.hpp"
#include "apply/source_schema.hpp"
#include "apply/table_rounds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

namespace waltrail {

namespace {

struct TableTrigger {
    std::string oid; // of the trigger
    std::string trigger;
    std::string table;
    bool is_owned;
};

std::vector<TableTrigger> list_context_triggers(PostgresConnection &source) {
    Result rows = source.execute(fmt::format(R"(
SELECT t.oid, quote_ident(t.tgname), format('%I.%I', n.nspname, c.relname), pg_has_role(c.relowner, 'USAGE')
  FROM pg_trigger AS t
  JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE {} ORDER BY 3, 2)",
                                             is_context_trigger()));
    std::vector<TableTrigger> triggers;
    for (int row = 0; row < rows.rows(); row++)
        triggers.push_back({rows.string(row, 0), rows.string(row, 1), rows.string(row, 2),
                            rows.text(row, 3) == "t"});
    return triggers;
}

std::vector<std::string> names(PostgresConnection &source, const std::string &sql) {
    return first_column(source.execute(sql));
}

std::string event_triggers_query(std::string_view condition) {
    return fmt::format(R"(
SELECT quote_ident(e.evtname) FROM pg_event_trigger AS e
  JOIN pg_proc AS p ON p.oid = e.evtfoid JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'waltrail' AND {} ORDER BY 1)",
                       condition);
}

std::string functions_query(std::string_view condition) {
    return fmt::format(R"(
SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'waltrail' AND {} ORDER BY 1)",
                       condition);
}

class Removal {
  public:
    explicit Removal(const InitSettings &settings)
        : settings_(settings), source_(settings.ends.source, "source") {}

    // Writes nothing.
    void check() {
        pin_session(source_);
        lock_init(source_);
        if (is_whole()) check_owned_event_triggers();
        check_owned_tables();
        check_functions_are_free();
        if (settings_.drop_slot) check_slot();
    }

    void run() {
        if (is_whole()) drop_event_triggers();
        drop_context_triggers();
        drop_functions_and_schema();
        if (settings_.drop_slot && slot_.exists) {
            drop_slot(settings_.ends);
            removed_.push_back(fmt::format("slot \"{}\"", settings_.ends.slot));
        }
    }

    void report() {
        if (removed_.empty())
            fmt::print("{}: nothing to remove\n", source_.where());
        else
            fmt::print("{}: removed {}\n", source_.where(), fmt::join(removed_, ", "));
        if (!is_whole()) return;
        for (auto &slot :
             names(source_, "SELECT slot_name FROM pg_replication_slots WHERE plugin = 'waltrail' "
                            "AND database = current_database() ORDER BY 1"))
            fmt::print("  left: slot \"{0}\", which keeps WAL; to end its trail: SELECT "
                       "pg_drop_replication_slot('{0}')\n",
                       slot);
        constexpr std::string_view full_tables =
            "FROM pg_class WHERE relkind = 'r' AND relreplident = 'f'";
        if (auto count = names(source_, fmt::format("SELECT count(*) {}", full_tables)).front();
            count != "0")
            fmt::print("  left: REPLICA IDENTITY FULL on {}; to set it back, in psql: SELECT "
                       "format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', oid::regclass) {} "
                       "\\gexec\n",
                       counted(std::strtoull(count.c_str(), nullptr, 10), "table"), full_tables);
        if (!strangers_.empty())
            fmt::print("  left: schema \"waltrail\", because it holds {}\n", name_list(strangers_));
    }

  private:
    // Everything, not the context triggers alone.
    [[nodiscard]] bool is_whole() const { return !settings_.context_triggers; }

    [[noreturn]] void refuse(const std::string &what, const std::string &mend) {
        throw Error(Disposition::stop, fmt::format("{}: {}", source_.where(), what), mend);
    }

    void check_owned_event_triggers() {
        auto foreign = names(source_, event_triggers_query("NOT pg_has_role(e.evtowner, 'USAGE')"));
        if (!foreign.empty())
            refuse(fmt::format("not the owner of event trigger {}", name_list(foreign)),
                   "connect as a superuser");
    }

    void check_owned_tables() {
        std::vector<std::string> foreign;
        for (auto &trigger : list_context_triggers(source_))
            if (!trigger.is_owned) foreign.push_back(trigger.table);
        if (!foreign.empty())
            refuse(fmt::format("not the owner of table {}", name_list(foreign)),
                   "connect as a superuser, or as a role that has all of their owners'");
    }

    void check_slot() {
        const std::string &name = settings_.ends.slot;
        slot_ = read_slot(source_, name);
        if (!slot_.exists) return;
        bool is_here =
            source_.execute("SELECT WHERE current_database() = $1", {slot_.database}).rows() > 0;
        if (slot_.plugin != "waltrail" || !is_here)
            refuse(fmt::format("replication slot \"{}\" is not one of waltrail's in this database",
                               name),
                   "name the right one with --slot");
        if (slot_.active)
            refuse(
                fmt::format("replication slot \"{}\" is in use by pid {}", name, slot_.active_pid),
                "end waltrail apply first");
    }

    void drop_event_triggers() {
        std::string statements;
        for (auto &trigger : names(source_, event_triggers_query("true"))) {
            statements += fmt::format("DROP EVENT TRIGGER {};", trigger);
            removed_.push_back(fmt::format("event trigger {}", trigger));
        }
        if (!statements.empty()) in_transaction(source_, [&] { source_.execute(statements); });
    }

    void drop_context_triggers() {
        TableRounds rounds(source_, "drop the context trigger of");
        int dropped = 0;
        rounds.run([&] {
            for (auto &trigger : list_context_triggers(source_))
                if (!rounds.is_settled(trigger.oid) &&
                    rounds.alter(trigger.oid, trigger.table,
                                 drop_context_trigger_sql(trigger.table, trigger.trigger)))
                    dropped++;
        });
        if (!rounds.failures().empty()) throw Error(Disposition::stop, rounds.failures().front());
        if (!rounds.locked().empty())
            refuse(fmt::format("could not lock table {}, which keeps its context trigger",
                               name_list(rounds.locked())),
                   "run waltrail init --remove again; it goes on where this run has ended");
        if (dropped > 0)
            removed_.push_back(fmt::format("context triggers of {}", counted(dropped, "table")));
    }

    void drop_functions_and_schema() {
        if (!has_source_schema(source_)) return;
        in_transaction(source_, [&] {
            drop_functions();
            drop_schema();
        });
    }

    // Over `p`, a row of pg_proc.
    [[nodiscard]] std::string is_removed_function() const {
        std::string of_triggers = is_context_function("p");
        if (!is_whole()) return of_triggers;
        return fmt::format("({} OR p.prorettype = 'event_trigger'::regtype)", of_triggers);
    }

    // What the server would advise to drop with CASCADE.
    void check_functions_are_free() {
        auto users = names(source_, fmt::format(R"(
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
  FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.refobjid JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE d.refclassid = 'pg_proc'::regclass AND d.deptype = 'n'
   AND d.classid NOT IN ('pg_trigger'::regclass, 'pg_event_trigger'::regclass)
   AND n.nspname = 'waltrail' AND {} ORDER BY 1)",
                                                is_removed_function()));
        if (!users.empty())
            refuse(fmt::format("functions in schema \"waltrail\" are used by {}", name_list(users)),
                   "drop that first");
    }

    void drop_functions() {
        bool had_context = !names(source_, functions_query(is_context_function("p"))).empty();
        auto functions = names(source_, functions_query(is_removed_function()));
        if (functions.empty()) return;
        source_.execute(fmt::format("DROP FUNCTION {}", fmt::join(functions, ", ")));
        removed_.push_back(counted(functions.size(), "function"));
        if (had_context) source_.execute("REVOKE USAGE ON SCHEMA waltrail FROM PUBLIC");
    }

    void drop_schema() {
        strangers_ = names(source_, R"(
SELECT DISTINCT pg_describe_object(classid, objid, 0) FROM pg_depend
 WHERE refclassid = 'pg_namespace'::regclass AND deptype = 'n'
   AND refobjid = (SELECT oid FROM pg_namespace WHERE nspname = 'waltrail') ORDER BY 1)");
        if (!strangers_.empty()) return;
        source_.execute("DROP SCHEMA waltrail");
        removed_.emplace_back("schema \"waltrail\"");
    }

    const InitSettings &settings_;
    PostgresConnection source_;
    SlotState slot_;
    std::vector<std::string> removed_;   // what was taken away
    std::vector<std::string> strangers_; // what is in the schema and not of waltrail's
};

} // namespace

int run_remove(const InitSettings &settings) {
    check_init_settings(settings);
    Removal removal(settings);
    removal.check();
    removal.run();
    removal.report();
    return static_cast<int>(ExitCode::success);
}

} // namespace waltrail

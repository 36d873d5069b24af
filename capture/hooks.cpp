// What the server executes passes here. Each hook enters an execution, calls what it replaced, and leaves the execution whichever way that
// ends.
#include "capture/hooks.hpp"

#include "capture/compat.hpp"

extern "C" {
#include "access/parallel.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "replication/logicalworker.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
}

#include "capture/actor.hpp"
#include "capture/emission.hpp"
#include "capture/execution.hpp"
#include "capture/write_watch.hpp"

#include <cstring>

namespace waltrail {

namespace {

ExecutorRun_hook_type next_run = nullptr;
ExecutorFinish_hook_type next_finish = nullptr;
ProcessUtility_hook_type next_utility = nullptr;

// Rows that a subscription brings are their origin's, also those of its triggers. Parallel workers write nothing. A process that
// has captured once goes on: it becomes no worker, and no server goes back into recovery.
bool is_capturing() {
    static bool has_captured = false;
    if (!has_captured)
        has_captured = XLogLogicalInfoActive() && !IsLogicalWorker() && !IsParallelWorker() &&
                       !RecoveryInProgress();
    return has_captured;
}

// What a rule does has no place in the text: it has that of the statement for which the rule was applied. Where the rule has replaced that
// one, nothing beside it has a place either.
[[gnu::cold]] StatementPlace place_of_ruled(const char *text) {
    constexpr StatementPlace not_known = {-1, 0};
    if (ActivePortal == nullptr || ActivePortal->sourceText != text) return not_known;
    ListCell *cell;
    foreach (cell, ActivePortal->stmts) {
        auto *beside = lfirst_node(PlannedStmt, cell);
        if (beside->stmt_location >= 0) return {beside->stmt_location, beside->stmt_len};
    }
    return not_known;
}

StatementText text_of(const PlannedStmt &statement, const char *text) {
    if (statement.stmt_location < 0) return {text, place_of_ruled(text)};
    return {text, {statement.stmt_location, statement.stmt_len}};
}

// An error takes the C stack of the hooks away, but not the stack of executions, which body() may run in the middle of.
template <typename Body>
void execute(Execution &execution, const StatementText &text, const Body &body) {
    Statement statement;
    PG_TRY();
    {
        begin_execution(execution, statement, text);
        body();
    }
    PG_CATCH();
    {
        abandon_execution(execution);
        PG_RE_THROW();
    }
    PG_END_TRY();
    end_execution(execution);
}

bool fills_logged_table(const QueryDesc *query, const Execution &execution) {
    return query->dest->mydest == DestIntoRel && execution.outer != nullptr &&
           execution.outer->fills_logged_table;
}

void run(QueryDesc *query, ScanDirection direction, uint64 count WALTRAIL_EXECUTE_ONCE_PARAMETER) {
    auto *next = next_run != nullptr ? next_run : standard_ExecutorRun;
    if (!is_capturing()) return next(query, direction, count WALTRAIL_EXECUTE_ONCE_ARGUMENT);
    Execution execution;
    execution.query = query;
    execute(execution, text_of(*query->plannedstmt, query->sourceText), [&] {
        if (fills_logged_table(query, execution)) before_write();
        next(query, direction, count WALTRAIL_EXECUTE_ONCE_ARGUMENT);
    });
}

bool have_triggers(const List *targets) {
    ListCell *cell;
    foreach (cell, targets)
        if (static_cast<ResultRelInfo *>(lfirst(cell))->ri_TrigDesc != nullptr) return true;
    return false;
}

// Whether anything can run in ExecutorFinish(): AFTER triggers, those of foreign keys among them, or what of a WITH nobody has asked for.
bool has_to_finish(const EState &state) {
    return state.es_auxmodifytables != NIL || have_triggers(state.es_opened_result_relations) ||
           have_triggers(state.es_tuple_routing_result_relations) ||
           have_triggers(state.es_trig_target_relations);
}

// Not inlined: the frame of a PG_TRY is for those that need it. Nor is watched_utility().
[[gnu::noinline]] void watched_finish(QueryDesc *query, ExecutorFinish_hook_type next) {
    Execution execution;
    execution.query = query;
    execute(execution, text_of(*query->plannedstmt, query->sourceText), [&] { next(query); });
}

void finish(QueryDesc *query) {
    auto *next = next_finish != nullptr ? next_finish : standard_ExecutorFinish;
    if (!has_to_finish(*query->estate) || !is_capturing()) return next(query);
    watched_finish(query, next);
}

// That a table is unlogged says nothing of its partitions and children.
bool may_be_logged(const RangeVar *table) {
    Oid relation = RangeVarGetRelid(table, NoLock, true);
    if (!OidIsValid(relation)) return false;
    char persistence = get_rel_persistence(relation);
    return persistence == RELPERSISTENCE_PERMANENT ||
           (persistence == RELPERSISTENCE_UNLOGGED && table->inh && has_subclass(relation));
}

bool truncates_logged_table(const Node *statement) {
    if (!IsA(statement, TruncateStmt)) return false;
    ListCell *cell;
    foreach (cell, castNode(TruncateStmt, const_cast<Node *>(statement))->relations)
        if (may_be_logged(lfirst_node(RangeVar, cell))) return true;
    return false;
}

// The utility statement within EXPLAIN and CREATE TABLE AS, which have it in a query; null where there is none.
const Node *inner_statement(const Node *query) {
    if (query == nullptr || !IsA(query, Query)) return nullptr;
    return reinterpret_cast<const Query *>(query)->utilityStmt;
}

// What CREATE TABLE AS and SELECT INTO make, also below EXPLAIN ANALYZE; null for other statements.
const IntoClause *made_table(const Node *statement) {
    if (statement == nullptr) return nullptr;
    if (IsA(statement, ExplainStmt))
        return made_table(inner_statement(reinterpret_cast<const ExplainStmt *>(statement)->query));
    if (!IsA(statement, CreateTableAsStmt)) return nullptr;
    auto *made = reinterpret_cast<const CreateTableAsStmt *>(statement);
    return made->objtype == OBJECT_TABLE ? made->into : nullptr;
}

// EXECUTE and FETCH, also below EXPLAIN ANALYZE and CREATE TABLE AS; null for other statements.
const Node *runs_prepared(const Node *statement) {
    if (statement == nullptr) return nullptr;
    if (IsA(statement, ExplainStmt))
        return runs_prepared(
            inner_statement(reinterpret_cast<const ExplainStmt *>(statement)->query));
    if (IsA(statement, CreateTableAsStmt))
        return runs_prepared(
            inner_statement(reinterpret_cast<const CreateTableAsStmt *>(statement)->query));
    return IsA(statement, ExecuteStmt) || IsA(statement, FetchStmt) ? statement : nullptr;
}

bool makes_logged_table(const Node *statement) {
    const IntoClause *into = made_table(statement);
    if (into == nullptr || into->rel->relpersistence != RELPERSISTENCE_PERMANENT) return false;
    return into->rel->schemaname == nullptr || strcmp(into->rel->schemaname, "pg_temp") != 0;
}

// Opened, and locked as COPY itself will; null where there is nothing to watch.
Relation open_copy_target(const Node *statement) {
    if (!IsA(statement, CopyStmt)) return nullptr;
    auto *copy = reinterpret_cast<const CopyStmt *>(statement);
    if (!copy->is_from || copy->relation == nullptr) return nullptr;
    Relation target = table_openrv_extended(copy->relation, RowExclusiveLock, true);
    if (target == nullptr || may_be_decoded(target)) return target;
    table_close(target, NoLock);
    return nullptr;
}

void prepare_utility(Execution &execution, const Node *statement) {
    execution.prepared_by = runs_prepared(statement);
    execution.fills_logged_table = makes_logged_table(statement);
    if (execution.outer == nullptr && IsA(statement, ConstraintsSetStmt))
        execution.statement->keeps_context = true; // of those that have put the triggers off
    if (truncates_logged_table(statement)) before_write();
    if (Relation target = open_copy_target(statement); target != nullptr)
        watch_copy(execution, target, reinterpret_cast<const CopyStmt *>(statement)->whereClause);
}

[[gnu::noinline]] void watched_utility(PlannedStmt *planned, const char *text, bool read_only_tree,
                                       ProcessUtilityContext context, ParamListInfo parameters,
                                       QueryEnvironment *environment, DestReceiver *destination,
                                       QueryCompletion *completion, ProcessUtility_hook_type next) {
    Execution execution;
    execute(execution, text_of(*planned, text), [&] {
        prepare_utility(execution, planned->utilityStmt);
        next(planned, text, read_only_tree, context, parameters, environment, destination,
             completion);
    });
    if (execution.copy_target != nullptr) table_close(execution.copy_target, NoLock);
}

// Nothing runs within BEGIN, COMMIT and their like: what they cause comes after them.
void utility(PlannedStmt *planned, const char *text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
             DestReceiver *destination, QueryCompletion *completion) {
    auto *next = next_utility != nullptr ? next_utility : standard_ProcessUtility;
    if (IsA(planned->utilityStmt, TransactionStmt) || !is_capturing())
        return next(planned, text, read_only_tree, context, parameters, environment, destination,
                    completion);
    watched_utility(planned, text, read_only_tree, context, parameters, environment, destination,
                    completion, next);
}

} // namespace

void start_capture() {
    next_run = ExecutorRun_hook;
    ExecutorRun_hook = run;
    next_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = finish;
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility;
    prepare_write_watch();
    watch_transactions();
    watch_actors();
}

} // namespace waltrail

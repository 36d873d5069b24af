// A ModifyTable node asks its input for a row (ExecProcNode) and writes it: a function of ours stands in for the input's and says
// what must be said when there is a row. Functions and triggers of all kinds may run before the row is written, and may write
// rows of their own, say something else for them, or roll back: when such an execution ends, what the outer one had said is said
// again (go_on()).
//
// INSERT … ON CONFLICT DO NOTHING and COPY have rows that are seldom, or never, written. Where nothing of the user's can run before
// the first row is, their table is armed instead: its access method is a copy of heap's whose inserting functions say what must be
// said. Not otherwise: heap_getnext() refuses such a table (pgstattuple, pgrowlocks), and a rolled-back subtransaction may
// put heap's own method back unseen. Other invalidations of the table end in on_invalidation().
#include "capture/write_watch.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
}

#include "capture/emission.hpp"

#include <cstring>

namespace waltrail {

namespace {

TableAmRoutine watching_heap;
const TableAmRoutine *heap = nullptr;

// What is to be said by this role was said. Statements, roles and settings come and go: false is always safe.
bool is_said = false;
Oid said_for_role = InvalidOid;

bool is_settled() { return is_said && said_for_role == GetOuterUserId(); }

void set_method(Execution &execution, const TableAmRoutine *method) {
    if (execution.armed != nullptr) execution.armed->rd_tableam = method;
}

void arm(Execution &execution, Relation table) {
    execution.armed = table;
    set_method(execution, &watching_heap);
}

void disarm(Execution &execution) {
    set_method(execution, heap);
    execution.armed = nullptr;
}

// A process that ends (FATAL) takes its transaction back without an end to the executions, whose memory is gone by then.
void on_invalidation(Datum, Oid) {
    if (Execution *execution = innermost_execution(); execution != nullptr && !proc_exit_inprogress)
        set_method(*execution, &watching_heap);
}

// -- what may run before a row is written ----------------------------------------------------------------------------

// Expressions of an index are computed to look for a conflict.
bool has_plain_index(Oid index) {
    HeapTuple found = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(found)) return false;
    bool is_plain = heap_attisnull(found, Anum_pg_index_indexprs, nullptr) &&
                    heap_attisnull(found, Anum_pg_index_indpred, nullptr);
    ReleaseSysCache(found);
    return is_plain;
}

bool has_plain_indexes(Relation table) {
    List *indexes = RelationGetIndexList(table);
    ListCell *cell;
    bool is_plain = true;
    foreach (cell, indexes) is_plain = is_plain && has_plain_index(lfirst_oid(cell));
    list_free(indexes);
    return is_plain;
}

// A heap without triggers before its rows, checks, generated columns. No partition: the functions of its root's key are asked whether
// the row belongs there. (From 17 on, a partitioned table may have heap for the access method of its partitions.)
bool is_plain_table(Relation table) {
    const TupleConstr *constraints = table->rd_att->constr;
    const TriggerDesc *triggers = table->trigdesc;
    return table->rd_rel->relam == HEAP_TABLE_AM_OID &&
           table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relispartition &&
           RelationIsLogicallyLogged(table) &&
           (triggers == nullptr || !triggers->trig_insert_before_row) &&
           (constraints == nullptr ||
            (constraints->num_check == 0 && !constraints->has_generated_stored));
}

// Statement triggers run when COPY is armed already. Those of other statements have run when the first row comes.
bool has_statement_triggers(Relation table) {
    return table->trigdesc != nullptr && table->trigdesc->trig_insert_before_statement;
}

// COPY calls the types' input functions, and computes defaults.
bool has_plain_columns(Relation table) {
    for (int i = 0; i < table->rd_att->natts; i++) {
        const FormData_pg_attribute *column = TupleDescAttr(table->rd_att, i);
        if (column->atthasdef || column->atttypid >= FirstNormalObjectId) return false;
    }
    return true;
}

bool may_drop_its_rows(const ModifyTableState &node) {
    auto *plan = castNode(ModifyTable, node.ps.plan);
    if (node.operation != CMD_INSERT || plan->onConflictAction != ONCONFLICT_NOTHING ||
        node.mt_partition_tuple_routing != nullptr || node.mt_nrels != 1)
        return false;
    const ResultRelInfo &target = node.resultRelInfo[0];
    return target.ri_WithCheckOptions == NIL && is_plain_table(target.ri_RelationDesc) &&
           has_plain_indexes(target.ri_RelationDesc);
}

// -- what is decoded -------------------------------------------------------------------------------------------------

bool is_logged_table(Relation table) {
    return table->rd_rel->relkind == RELKIND_RELATION && RelationIsLogicallyLogged(table);
}

// To 17 a partitioned table may be unlogged, which says nothing of its partitions. Those of a temporary one are temporary.
bool leads_to_partitions(Relation table) {
    return table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
           table->rd_rel->relpersistence != RELPERSISTENCE_TEMP;
}

// -- rows ------------------------------------------------------------------------------------------------------------

WatchedInput *watched_input(const PlanState *node, Execution **owner) {
    for (*owner = innermost_execution(); *owner != nullptr; *owner = (*owner)->outer)
        for (WatchedInput *input = (*owner)->inputs; input != nullptr; input = input->next)
            if (input->input == node) return input;
    return nullptr;
}

void drop_kept(Execution &execution) {
    if (execution.kept == nullptr) return;
    pfree(execution.kept);
    execution.kept = nullptr;
}

TupleTableSlot *next_row(PlanState *node);

// At its first call, a node replaces its own ExecProcNode (ExecProcNodeFirst()).
void stand_in(WatchedInput &input) {
    if (input.input->ExecProcNode == next_row) return;
    input.original = input.input->ExecProcNode;
    input.input->ExecProcNode = next_row;
}

TupleTableSlot *next_row(PlanState *node) {
    Execution *execution;
    WatchedInput *input = watched_input(node, &execution);
    if (input == nullptr) elog(ERROR, "a plan node is watched by no statement");
    disarm(*execution);
    execution->is_at_row = false;
    drop_kept(*execution); // left by an execution within that has failed, for the row before
    node->ExecProcNode = input->original;
    TupleTableSlot *row = node->ExecProcNode(node);
    stand_in(*input);
    if (TupIsNull(row)) return row;
    if (!is_settled() && input->may_drop_rows)
        arm(*execution, input->node->resultRelInfo[0].ri_RelationDesc);
    else
        before_write();
    return row;
}

// An UPDATE may move a row to partitions that it does not read.
bool writes_logged_table(const ModifyTableState &node) {
    if (node.operation != CMD_DELETE &&
        leads_to_partitions(node.rootResultRelInfo->ri_RelationDesc))
        return true;
    for (int i = 0; i < node.mt_nrels; i++)
        if (is_logged_table(node.resultRelInfo[i].ri_RelationDesc)) return true;
    return false;
}

void add_input(Execution &execution, PlanState *state) {
    if (state == nullptr || !IsA(state, ModifyTableState)) return;
    auto *node = castNode(ModifyTableState, state);
    if (!writes_logged_table(*node)) return;
    WatchedInput *input = &execution.first_input;
    if (execution.inputs != nullptr)
        input = static_cast<WatchedInput *>(
            MemoryContextAlloc(execution.query->estate->es_query_cxt, sizeof(WatchedInput)));
    *input = {execution.inputs, node, outerPlanState(state), nullptr, may_drop_its_rows(*node)};
    execution.inputs = input;
    stand_in(*input);
}

// The statement's own node is the plan's top; those of its WITH are in a list, which may hold the top as well.
void find_inputs(Execution &execution) {
    add_input(execution, execution.query->planstate);
    ListCell *cell;
    foreach (cell, execution.query->estate->es_auxmodifytables)
        if (lfirst(cell) != execution.query->planstate)
            add_input(execution, static_cast<PlanState *>(lfirst(cell)));
}

// -- executions within others ----------------------------------------------------------------------------------------

Words *keep_words() {
    Words words = words_said();
    auto *kept = static_cast<Words *>(MemoryContextAlloc(
        TopTransactionContext, sizeof(Words) + words.actor.size() + words.context.size()));
    char *actor = reinterpret_cast<char *>(kept + 1), *context = actor + words.actor.size();
    if (!words.actor.empty()) std::memcpy(actor, words.actor.data(), words.actor.size());
    if (!words.context.empty()) std::memcpy(context, words.context.data(), words.context.size());
    *kept = {words.generation, {actor, words.actor.size()}, {context, words.context.size()}};
    return kept;
}

// What was said for the rows that the outer executions are at work on is about to be said no more.
void keep_words_of_outer_rows() {
    for (Execution *outer = innermost_execution()->outer; outer != nullptr; outer = outer->outer)
        if (outer->is_at_row && outer->kept == nullptr) outer->kept = keep_words();
}

// -- the access method of an armed table -----------------------------------------------------------------------------

void tuple_insert_speculative(Relation table, TupleTableSlot *row, CommandId command, int options,
                              BulkInsertStateData *state, uint32 token) {
    before_write();
    heap->tuple_insert_speculative(table, row, command, options, state, token);
}

void tuple_insert(Relation table, TupleTableSlot *row, CommandId command, int options,
                  BulkInsertStateData *state) {
    before_write();
    heap->tuple_insert(table, row, command, options, state);
}

void multi_insert(Relation table, TupleTableSlot **rows, int count, CommandId command, int options,
                  BulkInsertStateData *state) {
    before_write();
    heap->multi_insert(table, rows, count, command, options, state);
}

} // namespace

void prepare_write_watch() {
    heap = GetHeapamTableAmRoutine();
    watching_heap = *heap;
    watching_heap.tuple_insert = tuple_insert;
    watching_heap.tuple_insert_speculative = tuple_insert_speculative;
    watching_heap.multi_insert = multi_insert;
    CacheRegisterRelcacheCallback(on_invalidation, 0);
}

void begin_watch(Execution &execution) {
    if (execution.outer == nullptr) is_said = false;
    if (execution.query != nullptr) find_inputs(execution);
}

void end_watch(Execution &execution) {
    disarm(execution);
    for (WatchedInput *input = execution.inputs; input != nullptr; input = input->next)
        if (input->input->ExecProcNode == next_row) input->input->ExecProcNode = input->original;
    drop_kept(execution);
}

// The next row is told anew: a setting or a role may have changed for good.
void go_on(Execution &execution) {
    if (execution.kept == nullptr) return;
    say_again(*execution.kept);
    is_said = false;
    drop_kept(execution);
}

bool may_be_decoded(Relation table) { return is_logged_table(table) || leads_to_partitions(table); }

void watch_copy(Execution &execution, Relation target, const Node *condition) {
    execution.copy_target = target;
    if (condition == nullptr && is_plain_table(target) && !has_statement_triggers(target) &&
        has_plain_columns(target))
        arm(execution, target);
    else
        before_write();
}

void before_write() {
    Execution &execution = *innermost_execution();
    disarm(execution);
    execution.is_at_row = true;
    if (is_settled()) return;
    keep_words_of_outer_rows();
    say_before_change(context_in_force());
    is_said = true;
    said_for_role = GetOuterUserId();
}

void look_again() { is_said = false; }

} // namespace waltrail

// No hook of PostgreSQL is called between the rows that a ModifyTable node gets and those that it writes: of its rows, ON CONFLICT, MERGE,
// triggers or a concurrent change may drop any. So this works in two steps. The function by which the node gets a row (ExecProcNode
// of its input) is replaced by one that, when there is a row, arms the node's tables: for as long as the node deals with the
// row, their access method is a copy of heap's whose writing functions say first what must be said. Once it is said, everything is put
// back, and later rows cost nothing.
//
// Tables are armed no longer than that, because heap_getnext() refuses a table whose access method is not heap's own (pgrowlocks,
// pgstattuple). The server builds an open table's entry anew when it is invalidated, and calls on_invalidation() after it.
//
// Where rows are routed to partitions, which are opened only then, and where the access method is not heap, a row is taken for a
// write, and COPY itself.
#include "capture/write_watch.hpp"

extern "C" {
#include "access/tableam.h"
#include "catalog/catalog.h"
#include "catalog/pg_am_d.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/inval.h"
}

#include "capture/emission.hpp"

namespace waltrail {

namespace {

TableAmRoutine watching_heap;
const TableAmRoutine *heap = nullptr;

// What is to be said by this role was said. Statements, roles and settings come and go: false is always safe.
bool is_said = false;
Oid said_for_role = InvalidOid;

bool is_settled() { return is_said && said_for_role == GetOuterUserId(); }

bool is_heap(Relation relation) { return relation->rd_rel->relam == HEAP_TABLE_AM_OID; }

void set_method(Relation relation, const TableAmRoutine *method) {
    if (is_heap(relation) && RelationIsLogicallyLogged(relation)) relation->rd_tableam = method;
}

void set_methods(const Frame &frame, const TableAmRoutine *method) {
    if (frame.copy_target != nullptr) set_method(frame.copy_target, method);
    for (const WatchedInput *input = frame.inputs; input != nullptr; input = input->next)
        for (int i = 0; i < input->node->mt_nrels; i++)
            set_method(input->node->resultRelInfo[i].ri_RelationDesc, method);
}

void arm(Frame &frame) {
    frame.is_armed = true;
    set_methods(frame, &watching_heap);
}

void disarm(Frame &frame) {
    if (!frame.is_armed) return;
    frame.is_armed = false;
    set_methods(frame, heap);
}

// Frames may share a table.
void arm_again(Frame *frame) {
    for (; frame != nullptr; frame = frame->outer)
        if (frame->is_armed) arm(*frame);
}

bool takes_rows_for_writes(const ModifyTableState &node) {
    if (node.mt_partition_tuple_routing != nullptr) return true;
    for (int i = 0; i < node.mt_nrels; i++)
        if (!is_heap(node.resultRelInfo[i].ri_RelationDesc)) return true;
    return false;
}

WatchedInput *watched_input(const PlanState *node, Frame **owner) {
    for (*owner = innermost_frame(); *owner != nullptr; *owner = (*owner)->outer)
        for (WatchedInput *input = (*owner)->inputs; input != nullptr; input = input->next)
            if (input->input == node) return input;
    return nullptr;
}

TupleTableSlot *next_row(PlanState *node);

void replace_function(WatchedInput &input) {
    if (input.input->ExecProcNode == next_row) return;
    input.original = input.input->ExecProcNode;
    input.input->ExecProcNode = next_row;
}

// At its first call, a node replaces its own ExecProcNode (ExecProcNodeFirst()).
TupleTableSlot *next_row(PlanState *node) {
    Frame *frame;
    WatchedInput *input = watched_input(node, &frame);
    if (input == nullptr) elog(ERROR, "a plan node is watched by no statement");
    disarm(*frame);
    node->ExecProcNode = input->original;
    TupleTableSlot *row = node->ExecProcNode(node);
    if (!frame->is_watched) return row;
    replace_function(*input);
    if (TupIsNull(row)) return row;
    if (takes_rows_for_writes(*input->node))
        before_write();
    else
        arm(*frame);
    return row;
}

void watch(Frame &frame) {
    frame.is_watched = true;
    for (WatchedInput *input = frame.inputs; input != nullptr; input = input->next)
        replace_function(*input);
}

void unwatch(Frame &frame) {
    frame.is_watched = false;
    for (WatchedInput *input = frame.inputs; input != nullptr; input = input->next)
        if (input->input->ExecProcNode == next_row) input->input->ExecProcNode = input->original;
    disarm(frame);
    arm_again(frame.outer);
}

bool writes_logged_table(const ModifyTableState &node) {
    for (int i = 0; i < node.mt_nrels; i++) {
        Relation relation = node.resultRelInfo[i].ri_RelationDesc;
        char kind = relation->rd_rel->relkind;
        bool is_table = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
        if (is_table && RelationIsLogicallyLogged(relation)) return true;
    }
    return false;
}

void add_input(Frame &frame, PlanState *state) {
    if (state == nullptr || !IsA(state, ModifyTableState)) return;
    auto *node = castNode(ModifyTableState, state);
    if (!writes_logged_table(*node)) return;
    WatchedInput *input = &frame.first_input;
    if (frame.inputs != nullptr)
        input = static_cast<WatchedInput *>(
            MemoryContextAlloc(frame.query->estate->es_query_cxt, sizeof(WatchedInput)));
    *input = {frame.inputs, node, outerPlanState(state), nullptr};
    frame.inputs = input;
}

// The statement's own node is the plan's top; those of its WITH are in a list, which may hold the top as well.
void find_inputs(Frame &frame) {
    add_input(frame, frame.query->planstate);
    ListCell *cell;
    foreach (cell, frame.query->estate->es_auxmodifytables)
        if (lfirst(cell) != frame.query->planstate)
            add_input(frame, static_cast<PlanState *>(lfirst(cell)));
}

// A process that ends (FATAL) takes its transaction back without an end to the frames, whose queries' memory is gone by then.
Frame *frames() { return proc_exit_inprogress ? nullptr : innermost_frame(); }

void on_invalidation(Datum, Oid) { arm_again(frames()); }

void tuple_insert(Relation relation, TupleTableSlot *row, CommandId command, int options,
                  BulkInsertStateData *state) {
    before_write();
    heap->tuple_insert(relation, row, command, options, state);
}

void tuple_insert_speculative(Relation relation, TupleTableSlot *row, CommandId command,
                              int options, BulkInsertStateData *state, uint32 token) {
    before_write();
    heap->tuple_insert_speculative(relation, row, command, options, state, token);
}

void multi_insert(Relation relation, TupleTableSlot **rows, int count, CommandId command,
                  int options, BulkInsertStateData *state) {
    before_write();
    heap->multi_insert(relation, rows, count, command, options, state);
}

template <typename... Arguments> TM_Result tuple_delete(Arguments... arguments) {
    before_write();
    return heap->tuple_delete(arguments...);
}

template <typename... Arguments> TM_Result tuple_update(Arguments... arguments) {
    before_write();
    return heap->tuple_update(arguments...);
}

} // namespace

void prepare_write_watch() {
    heap = GetHeapamTableAmRoutine();
    watching_heap = *heap;
    watching_heap.tuple_insert = tuple_insert;
    watching_heap.tuple_insert_speculative = tuple_insert_speculative;
    watching_heap.multi_insert = multi_insert;
    watching_heap.tuple_delete = tuple_delete;
    watching_heap.tuple_update = tuple_update;
    CacheRegisterRelcacheCallback(on_invalidation, 0);
}

void begin_watch(Frame &frame) {
    if (frame.outer == nullptr) is_said = false;
    if (frame.query != nullptr) find_inputs(frame);
    if (frame.outer != nullptr && is_said && !is_settled()) return look_again();
    if (!is_said && frame.inputs != nullptr) watch(frame);
}

void end_watch(Frame &frame) { unwatch(frame); }

void watch_copy(Frame &frame, Relation target) {
    frame.copy_target = target;
    if (target == nullptr || is_settled()) return;
    if (is_heap(target))
        arm(frame);
    else
        before_write();
}

void before_write() {
    if (!is_settled()) {
        say_before_change(context_in_force());
        is_said = true;
        said_for_role = GetOuterUserId();
    }
    unwatch(*innermost_frame());
}

void look_again() {
    is_said = false;
    for (Frame *frame = frames(); frame != nullptr; frame = frame->outer) {
        if (frame->inputs == nullptr && frame->copy_target == nullptr) continue;
        watch(*frame);
        arm(*frame); // it may be at work on a row
    }
}

void begin_again() { is_said = false; }

} // namespace waltrail

// Turns the tuples of a change into the states of its columns: what each row holds, and what of an update stayed as it was.
//
// old tuple in the WAL | replica identity | old row
// ---------------------+------------------+-----------------------------------
// no                   | any              | none
// yes                  | full             | whole
// yes                  | another          | the identity's columns, others absent
//
// new value            | old row whole | another, and the column
//                      |               | is in it                | is not
// ---------------------+---------------+-------------------------+---------
// in the tuple         | itself; nothing but "same" where equal  | itself
// unchanged, in TOAST  | the old one   | the old one             | absent
//
// update, old row whole, ignored columns | the others  | recorded
// ---------------------------------------+-------------+----------
// any changed                            | none changed | no
// any changed                            | any changed  | yes
// none changed                           |              | yes
// Without the whole old row it is not known what changed: recorded.
#include "row_change.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

namespace waltrail {

namespace {

using State = wire::Value::State;

wire::Operation operation_of(ReorderBufferChangeType action) {
    switch (action) {
    case REORDER_BUFFER_CHANGE_INSERT:
        return wire::Operation::insert;
    case REORDER_BUFFER_CHANGE_UPDATE:
        return wire::Operation::update;
    default:
        return wire::Operation::remove;
    }
}

bool is_unchanged_toast(const StoredColumn &column, Datum value) {
    return column.length == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value));
}

// Equal bytes; values that are equal but stored differently count as different, which costs nothing but their repetition.
bool is_same_datum(const StoredColumn &column, Datum left, Datum right) {
    if (column.by_value) return left == right;
    const char *left_bytes = DatumGetPointer(left);
    const char *right_bytes = DatumGetPointer(right);
    size_t size = static_cast<size_t>(column.length);
    if (column.length == -1) {
        size = VARSIZE_ANY(left_bytes);
        if (size != VARSIZE_ANY(right_bytes)) return false;
    } else if (column.length == -2) {
        size = std::strlen(left_bytes) + 1;
    }
    return std::memcmp(left_bytes, right_bytes, size) == 0;
}

void deform(HeapTuple tuple, TupleDesc descriptor, RowSpace &row) {
    if (static_cast<size_t>(descriptor->natts) != row.datums.size())
        elog(ERROR, "relation with %d attributes was described with %zu", descriptor->natts,
             row.datums.size());
    heap_deform_tuple(tuple, descriptor, row.datums.data(), row.nulls.data());
}

State state_in(const RowSpace &row, const StoredColumn &column) {
    return row.nulls[column.attribute] ? State::null : State::present;
}

void fill_old_row(RelationEntry &entry, wire::OldRow held) {
    RowSpace &row = entry.old_row;
    for (size_t i = 0; i < entry.of.columns.size(); i++) {
        bool in_row = held == wire::OldRow::whole || entry.of.relation.columns[i].in_identity;
        row.values[i] = {
            in_row ? state_in(row, entry.of.columns[i].stored) : State::absent, false, {}};
    }
}

void fill_changed_row(RelationEntry &entry) {
    const RowSpace &old_row = entry.old_row;
    RowSpace &row = entry.new_row;
    for (size_t i = 0; i < entry.of.columns.size(); i++) {
        const StoredColumn &column = entry.of.columns[i].stored;
        State state = state_in(row, column);
        State old_state = old_row.values[i].state;
        bool same = state == old_state;
        if (state == State::present) {
            Datum value = row.datums[column.attribute];
            if (is_unchanged_toast(column, value)) {
                same = true;
                state = old_state;
            } else {
                same = same && is_same_datum(column, old_row.datums[column.attribute], value);
            }
        }
        row.values[i] = {state, same, {}};
    }
}

// The new row where the old one is not whole. An unchanged TOAST value is there only as part of an old key.
void fill_new_row(RelationEntry &entry, wire::OldRow held) {
    const RowSpace &old_row = entry.old_row;
    RowSpace &row = entry.new_row;
    for (size_t i = 0; i < entry.of.columns.size(); i++) {
        const StoredColumn &column = entry.of.columns[i].stored;
        State state = state_in(row, column);
        if (state == State::present && is_unchanged_toast(column, row.datums[column.attribute])) {
            bool in_key =
                held == wire::OldRow::identity && old_row.values[i].state == State::present;
            state = in_key ? State::present : State::absent;
            if (in_key) row.datums[column.attribute] = old_row.datums[column.attribute];
        }
        row.values[i] = {state, false, {}};
    }
}

void fill_rows(RelationEntry &entry, TupleDesc descriptor, const ReorderBufferChange &decoded,
               wire::Change &change) {
    if (HeapTuple tuple = compat::old_tuple(decoded)) {
        bool whole = entry.of.relation.replica_identity == wire::ReplicaIdentity::full;
        change.old_row = whole ? wire::OldRow::whole : wire::OldRow::identity;
        deform(tuple, descriptor, entry.old_row);
        fill_old_row(entry, change.old_row);
        change.before = entry.old_row.values;
    }
    if (HeapTuple tuple = compat::new_tuple(decoded)) {
        deform(tuple, descriptor, entry.new_row);
        if (change.old_row == wire::OldRow::whole)
            fill_changed_row(entry);
        else
            fill_new_row(entry, change.old_row);
        change.after = entry.new_row.values;
    }
}

// Whether the trail would show the same. An unchanged TOAST value must not be looked at: it may be gone. Others may be stored
// differently and be the same, a value that an UPDATE has written again, for one.
bool is_unchanged(const StoredColumn &column, const RowSpace &old_row, const RowSpace &new_row) {
    size_t i = column.attribute;
    if (old_row.nulls[i] || new_row.nulls[i]) return old_row.nulls[i] == new_row.nulls[i];
    if (is_unchanged_toast(column, new_row.datums[i])) return true;
    return datum_image_eq(old_row.datums[i], new_row.datums[i], column.by_value, column.length);
}

bool changes_only_ignored(const RelationEntry &entry) {
    bool any_changed = false;
    for (const StoredColumn &column : entry.of.compared) {
        if (is_unchanged(column, entry.old_row, entry.new_row)) continue;
        if (!column.ignored) return false;
        any_changed = true;
    }
    return any_changed;
}

} // namespace

void record_row_change(Session &session, Relation relation, const ReorderBufferChange &decoded) {
    wire::Change change;
    change.sequence = count_change(session);
    RelationEntry &entry = session.relations.find(relation);
    if (!entry.recorded) return drop_change(session, entry);

    MemoryContext caller = MemoryContextSwitchTo(session.scratch);
    change.operation = operation_of(decoded.action);
    change.relation = &entry.of.relation;
    change.position = {decoded.lsn};
    fill_rows(entry, RelationGetDescr(relation), decoded, change);
    bool is_whole_update =
        change.operation == wire::Operation::update && change.old_row == wire::OldRow::whole;
    if (is_whole_update && changes_only_ignored(entry))
        leave_out_change(session);
    else
        send_change(session, entry, change);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(session.scratch);
}

} // namespace waltrail

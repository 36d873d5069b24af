// A partitioned table decodes as itself and its partitions; it is sent once, under its own name, and its partitions are
// left out. A partition that was named by itself comes without its ancestors and is sent under its own name; so is one whose
// ancestors the options leave out.
#include "truncate_change.hpp"

extern "C" {
#include "catalog/partition.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

namespace waltrail {

namespace {

bool is_sent(Session &session, std::span<const Relation> relations, Oid oid) {
    for (Relation relation : relations)
        if (RelationGetRelid(relation) == oid) return session.relations.find(relation).recorded;
    return false;
}

bool is_covered_by_ancestor(Session &session, Relation relation,
                            std::span<const Relation> relations) {
    if (!relation->rd_rel->relispartition) return false;
    ListCell *cell;
    foreach (cell, get_partition_ancestors(RelationGetRelid(relation)))
        if (is_sent(session, relations, lfirst_oid(cell))) return true;
    return false;
}

void record_one(Session &session, Relation relation, std::span<const Relation> relations,
                const ReorderBufferChange &decoded) {
    wire::Change change;
    change.sequence = count_change(session);
    if (is_covered_by_ancestor(session, relation, relations)) return skip_change(session);
    RelationEntry &entry = session.relations.find(relation);
    if (!entry.recorded) return drop_change(session, entry);
    if (!session.options.truncate) return leave_out_change(session);
    change.operation = wire::Operation::truncate;
    change.relation = &entry.of.relation;
    change.position = {decoded.lsn};
    change.cascade = decoded.data.truncate.cascade;
    change.restart_identity = decoded.data.truncate.restart_seqs;
    send_change(session, entry, change);
}

} // namespace

void record_truncate(Session &session, std::span<const Relation> relations,
                     const ReorderBufferChange &change) {
    MemoryContext caller = MemoryContextSwitchTo(session.scratch);
    for (Relation relation : relations) record_one(session, relation, relations, change);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(session.scratch);
}

} // namespace waltrail

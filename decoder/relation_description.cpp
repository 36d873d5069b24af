#include "relation_description.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include "context_memory.hpp"
#include "server_text.hpp"

#include "wire/json_render.hpp"
#include "wire/raw_text.hpp"

namespace waltrail {

namespace {

constexpr uint16_t no_column = UINT16_MAX;

// Column numbers by attribute, and the description that is being made.
struct Draft {
    wire::Arena names{};
    std::span<uint16_t> column_of_attribute{};
    std::span<wire::Column> columns{};
};

std::string_view keep_name(Draft &draft, const char *name) {
    return draft.names.copy(text_to_utf8(name));
}

bool is_in_system_schema(Oid schema) {
    if (IsCatalogNamespace(schema) || IsToastNamespace(schema)) return true;
    const char *name = get_namespace_name(schema);
    return name == nullptr || std::string_view(name) == "information_schema";
}

// A virtual generated column (18 and later) is in no tuple.
bool is_described(Form_pg_attribute attribute) {
    constexpr char generated_virtually = 'v';
    return !attribute->attisdropped && attribute->attgenerated != generated_virtually;
}

void describe_columns(Draft &draft, RelationDescription &description, TupleDesc row,
                      Dependencies &dependencies) {
    auto count = static_cast<size_t>(row->natts);
    auto columns = make_array<wire::Column>(CurrentMemoryContext, count);
    auto readers = make_array<ColumnReader>(CurrentMemoryContext, count);
    draft.column_of_attribute = make_array<uint16_t>(CurrentMemoryContext, count);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        Form_pg_attribute attribute = TupleDescAttr(row, static_cast<int>(i));
        draft.column_of_attribute[i] = no_column;
        if (!is_described(attribute)) continue;
        ColumnReader &reader = readers[used];
        reader.attribute = static_cast<uint16_t>(i);
        reader.by_value = attribute->attbyval;
        reader.length = attribute->attlen;
        reader.type = describe_type(attribute->atttypid, dependencies);
        description.uses_settings |= reader.type.uses_settings;
        description.guarded |= may_need_guard(reader.type);
        wire::Column &column = columns[used];
        column.name = keep_name(draft, NameStr(attribute->attname));
        column.json_name = wire::json_name(column.name, draft.names);
        column.type_name = draft.names.copy(type_name(attribute->atttypid, attribute->atttypmod));
        column.generated = attribute->attgenerated != '\0';
        column.type = reader.type.type;
        draft.column_of_attribute[i] = static_cast<uint16_t>(used++);
    }
    description.columns = readers.first(used);
    draft.columns = columns.first(used);
}

// The key attributes of an index as columns, in the order of the index; none where the index is gone.
std::span<const uint16_t> index_columns(const Draft &draft, Oid index) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple)) return {};
    const auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    auto count = static_cast<size_t>(form->indnkeyatts);
    auto columns = make_array<uint16_t>(CurrentMemoryContext, count);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        AttrNumber attribute = form->indkey.values[i];
        if (attribute <= 0) continue;
        uint16_t column = draft.column_of_attribute[static_cast<size_t>(attribute - 1)];
        if (column != no_column) columns[used++] = column;
    }
    ReleaseSysCache(tuple);
    return columns.first(used);
}

bool is_primary_key(Oid index) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple)) return false;
    const auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    bool primary = form->indisprimary && form->indisvalid;
    ReleaseSysCache(tuple);
    return primary;
}

// Not RelationGetPrimaryKeyIndex(): it leaves out deferrable keys, which are no identity but still say which row it is. Nor is
// relhasindex looked at: VACUUM sets it in place, so that it says what became of the table after the change.
Oid find_primary_key(Relation relation) {
    Oid found = InvalidOid;
    List *indexes = RelationGetIndexList(relation);
    ListCell *cell;
    foreach (cell, indexes)
        if (!OidIsValid(found) && is_primary_key(lfirst_oid(cell))) found = lfirst_oid(cell);
    list_free(indexes);
    return found;
}

// relreplident | columns in the old row
// -------------+------------------------------------------------------------
// f            | all
// d            | of the primary key, unless it is deferrable
// i            | of the index, while it exists
// n            | none
void mark_identity(Draft &draft, Relation relation) {
    char identity = relation->rd_rel->relreplident;
    if (identity == REPLICA_IDENTITY_FULL) {
        for (wire::Column &column : draft.columns) column.in_identity = true;
        return;
    }
    if (identity == REPLICA_IDENTITY_NOTHING) return;
    Oid index = RelationGetReplicaIndex(relation);
    if (!OidIsValid(index)) return;
    for (uint16_t column : index_columns(draft, index)) draft.columns[column].in_identity = true;
}

void describe_root(Draft &draft, wire::Relation &described, Relation relation,
                   Dependencies &dependencies) {
    described.root_schema = described.schema;
    described.root_table = described.table;
    if (!relation->rd_rel->relispartition) return;
    List *ancestors = get_partition_ancestors(RelationGetRelid(relation));
    ListCell *cell;
    foreach (cell, ancestors) dependencies.add_relation(lfirst_oid(cell));
    if (ancestors == NIL) return;
    Oid root = llast_oid(ancestors);
    const char *schema = get_namespace_name(get_rel_namespace(root));
    const char *table = get_rel_name(root);
    if (schema == nullptr || table == nullptr) return;
    described.root_schema = keep_name(draft, schema);
    described.root_table = keep_name(draft, table);
}

} // namespace

bool is_recorded(Relation relation) {
    const FormData_pg_class *form = relation->rd_rel;
    bool is_table = form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE;
    return is_table && form->relpersistence == RELPERSISTENCE_PERMANENT &&
           RelationGetRelid(relation) >= FirstNormalObjectId &&
           !is_in_system_schema(form->relnamespace);
}

RelationDescription describe_relation(Relation relation, uint32_t number,
                                      Dependencies &dependencies) {
    Draft draft;
    draft.names.allocator = context_allocator(CurrentMemoryContext);
    RelationDescription description;
    wire::Relation &described = description.relation;
    described.number = number;
    described.oid = RelationGetRelid(relation);
    described.schema = keep_name(draft, get_namespace_name(RelationGetNamespace(relation)));
    described.table = keep_name(draft, RelationGetRelationName(relation));
    described.replica_identity = static_cast<wire::ReplicaIdentity>(relation->rd_rel->relreplident);
    describe_root(draft, described, relation, dependencies);
    describe_columns(draft, description, RelationGetDescr(relation), dependencies);
    mark_identity(draft, relation);
    if (Oid key = find_primary_key(relation); OidIsValid(key))
        described.key = index_columns(draft, key);
    described.columns = draft.columns;
    described.raw_names = wire::has_raw_names(described);
    return description;
}

} // namespace waltrail

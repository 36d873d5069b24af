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
#include "masked_value.hpp"
#include "server_text.hpp"

#include "wire/json_render.hpp"
#include "wire/raw_text.hpp"

#include <algorithm>

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

StoredColumn stored_column(Form_pg_attribute attribute, bool is_ignored) {
    StoredColumn stored;
    stored.attribute = static_cast<uint16_t>(attribute->attnum - 1);
    stored.by_value = attribute->attbyval;
    stored.ignored = is_ignored;
    stored.length = attribute->attlen;
    return stored;
}

wire::Column described_column(Draft &draft, std::string_view name, const ColumnReader &reader,
                              Form_pg_attribute attribute) {
    wire::Column column;
    column.name = name;
    column.json_name = wire::json_name(column.name, draft.names);
    column.type_name = draft.names.copy(type_name(attribute->atttypid, attribute->atttypmod));
    column.generated = attribute->attgenerated != '\0';
    column.masked = reader.mask != nullptr;
    column.type = column.masked ? mask_type : reader.type.type;
    return column;
}

void describe_columns(Draft &draft, RelationDescription &description, TupleDesc row,
                      const ColumnChoice &choice, Dependencies &dependencies) {
    auto count = static_cast<size_t>(row->natts);
    auto columns = make_array<wire::Column>(CurrentMemoryContext, count);
    auto readers = make_array<ColumnReader>(CurrentMemoryContext, count);
    auto compared = make_array<StoredColumn>(CurrentMemoryContext, count);
    draft.column_of_attribute = make_array<uint16_t>(CurrentMemoryContext, count);
    size_t used = 0, stored = 0;
    bool any_ignored = false;
    for (size_t i = 0; i < count; i++) {
        Form_pg_attribute attribute = TupleDescAttr(row, static_cast<int>(i));
        draft.column_of_attribute[i] = no_column;
        if (!is_described(attribute)) continue;
        std::string_view name = keep_name(draft, NameStr(attribute->attname));
        ColumnTreatment treatment =
            choice.selection.treatment_of(choice.lineage, {NameStr(attribute->attname), name});
        StoredColumn held = stored_column(attribute, treatment.ignored);
        compared[stored++] = held;
        any_ignored |= treatment.ignored;
        if (treatment.excluded) continue;
        ColumnReader &reader = readers[used];
        reader = {held, describe_type(attribute->atttypid, dependencies), treatment.mask};
        description.uses_settings |= reader.type.uses_settings;
        description.guarded |= may_need_guard(reader.type);
        columns[used] = described_column(draft, name, reader, attribute);
        draft.column_of_attribute[i] = static_cast<uint16_t>(used++);
    }
    description.columns = readers.first(used);
    if (any_ignored) description.compared = compared.first(stored);
    draft.columns = columns.first(used);
}

// The key attributes of an index as columns, in the order of the index, no_column for what is not described; none where the
// index is gone.
std::span<const uint16_t> index_columns(const Draft &draft, Oid index) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple)) return {};
    const auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    auto count = static_cast<size_t>(form->indnkeyatts);
    auto columns = make_array<uint16_t>(CurrentMemoryContext, count);
    for (size_t i = 0; i < count; i++) {
        AttrNumber attribute = form->indkey.values[i];
        columns[i] = attribute <= 0 ? no_column
                                    : draft.column_of_attribute[static_cast<size_t>(attribute - 1)];
    }
    ReleaseSysCache(tuple);
    return columns;
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

// Empty where a column of the key is excluded: the rest of a key does not say which row it is.
std::span<const uint16_t> key_columns(const Draft &draft, Relation relation) {
    Oid key = find_primary_key(relation);
    if (!OidIsValid(key)) return {};
    std::span<const uint16_t> columns = index_columns(draft, key);
    bool is_whole = std::find(columns.begin(), columns.end(), no_column) == columns.end();
    return is_whole ? columns : std::span<const uint16_t>{};
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
    for (uint16_t column : index_columns(draft, index))
        if (column != no_column) draft.columns[column].in_identity = true;
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
                                      const ColumnChoice &choice, Dependencies &dependencies) {
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
    describe_columns(draft, description, RelationGetDescr(relation), choice, dependencies);
    mark_identity(draft, relation);
    described.key = key_columns(draft, relation);
    described.columns = draft.columns;
    described.raw_names = wire::has_raw_names(described);
    return description;
}

} // namespace waltrail

#include "selection.hpp"

extern "C" {
#include "catalog/partition.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "context_memory.hpp"
#include "dependencies.hpp"
#include "source_settings.hpp"

#include <algorithm>

namespace waltrail {

Lineage lineage_of(Relation relation, Dependencies &dependencies) {
    List *ancestors = NIL;
    if (relation->rd_rel->relispartition)
        ancestors = get_partition_ancestors(RelationGetRelid(relation));
    auto count = static_cast<size_t>(list_length(ancestors)) + 1;
    auto oids = make_array<Oid>(CurrentMemoryContext, count);
    auto names = make_array<TableName>(CurrentMemoryContext, count);
    oids[0] = RelationGetRelid(relation);
    names[0] = {server_name(get_namespace_name(RelationGetNamespace(relation))),
                server_name(RelationGetRelationName(relation))};
    for (size_t i = 1; i < count; i++) {
        oids[i] = list_nth_oid(ancestors, static_cast<int>(i - 1));
        dependencies.add_relation(oids[i]);
        names[i] = {server_name(get_namespace_name(get_rel_namespace(oids[i]))),
                    server_name(get_rel_name(oids[i]))};
    }
    return {oids, names};
}

void Selection::start(MemoryContext context, const Options &options) {
    SourceSettings source = source_settings();
    constexpr auto client = ListEncoding::of_database;
    constexpr auto setting = ListEncoding::of_database_or_utf8;
    tables_.add(context, options.tables, client);
    exclude_tables_.add(context, options.exclude_tables, client);
    exclude_tables_.add(context, source.exclude_tables, setting);
    exclude_oids_ = options.exclude_oids;
    ignore_columns_.add(context, options.ignore_columns, client);
    exclude_columns_.add(context, options.exclude_columns, client);
    exclude_columns_.add(context, source.exclude_columns, setting);
    mask_columns_.add(context, options.mask_columns, client);
    mask_columns_.add(context, source.mask_columns, setting);
    if (!mask_columns_.empty()) mask_key_ = read_mask_key(context, source.mask_key_file);
}

Recording Selection::recording_of(const Lineage &lineage) const {
    auto is_excluded = [this](Oid oid) {
        return std::find(exclude_oids_.begin(), exclude_oids_.end(), oid) != exclude_oids_.end();
    };
    if (std::any_of(lineage.oids.begin(), lineage.oids.end(), is_excluded)) return Recording::never;
    bool is_chosen = tables_.empty() || tables_.matches_any(lineage.names);
    bool is_sent = is_chosen && !exclude_tables_.matches_any(lineage.names);
    return is_sent ? Recording::sent : Recording::left_out;
}

ColumnTreatment Selection::treatment_of(const Lineage &lineage, const ServerName &column) const {
    ColumnTreatment treatment;
    treatment.ignored = ignore_columns_.matches_column(lineage.names, column);
    treatment.excluded = exclude_columns_.matches_column(lineage.names, column);
    bool is_masked = !treatment.excluded && mask_columns_.matches_column(lineage.names, column);
    treatment.mask = is_masked ? mask_key_ : nullptr;
    return treatment;
}

} // namespace waltrail

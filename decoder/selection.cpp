#include "selection.hpp"

extern "C" {
#include "catalog/partition.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

#include "context_memory.hpp"
#include "dependencies.hpp"
#include "server_text.hpp"
#include "source_settings.hpp"

#include <algorithm>

namespace waltrail {

namespace {

std::string_view utf8_name(const char *name) {
    return name == nullptr ? std::string_view() : text_to_utf8(name);
}

} // namespace

Lineage lineage_of(Relation relation, Dependencies &dependencies) {
    List *ancestors = NIL;
    if (relation->rd_rel->relispartition)
        ancestors = get_partition_ancestors(RelationGetRelid(relation));
    auto count = static_cast<size_t>(list_length(ancestors)) + 1;
    auto oids = make_array<Oid>(CurrentMemoryContext, count);
    auto names = make_array<TableName>(CurrentMemoryContext, count);
    oids[0] = RelationGetRelid(relation);
    names[0] = {utf8_name(get_namespace_name(RelationGetNamespace(relation))),
                utf8_name(RelationGetRelationName(relation))};
    for (size_t i = 1; i < count; i++) {
        oids[i] = list_nth_oid(ancestors, static_cast<int>(i - 1));
        dependencies.add_relation(oids[i]);
        names[i] = {utf8_name(get_namespace_name(get_rel_namespace(oids[i]))),
                    utf8_name(get_rel_name(oids[i]))};
    }
    return {oids, names};
}

void Selection::start(MemoryContext context, const Options &options) {
    SourceSettings source = source_settings();
    context_ = context;
    tables_.add(context, options.tables);
    exclude_tables_.add(context, options.exclude_tables);
    exclude_tables_.add(context, source.exclude_tables);
    exclude_oids_ = options.exclude_oids;
    ignore_columns_.add(context, options.ignore_columns);
    exclude_columns_.add(context, options.exclude_columns);
    exclude_columns_.add(context, source.exclude_columns);
    mask_columns_.add(context, options.mask_columns);
    mask_columns_.add(context, source.mask_columns);
    if (!mask_columns_.empty()) mask_key_ = read_mask_key(context, source.mask_key_file);
}

void Selection::compile() {
    if (compiled_) return;
    tables_.compile(context_);
    exclude_tables_.compile(context_);
    ignore_columns_.compile(context_);
    exclude_columns_.compile(context_);
    mask_columns_.compile(context_);
    compiled_ = true;
}

Recording Selection::recording_of(const Lineage &lineage) {
    compile();
    auto is_excluded = [this](Oid oid) {
        return std::find(exclude_oids_.begin(), exclude_oids_.end(), oid) != exclude_oids_.end();
    };
    if (std::any_of(lineage.oids.begin(), lineage.oids.end(), is_excluded)) return Recording::never;
    bool is_chosen = tables_.empty() || tables_.matches_any(lineage.names);
    bool is_sent = is_chosen && !exclude_tables_.matches_any(lineage.names);
    return is_sent ? Recording::sent : Recording::left_out;
}

ColumnTreatment Selection::treatment_of(const Lineage &lineage, std::string_view column) const {
    ColumnTreatment treatment;
    treatment.ignored = ignore_columns_.matches_column(lineage.names, column);
    treatment.excluded = exclude_columns_.matches_column(lineage.names, column);
    bool is_masked = !treatment.excluded && mask_columns_.matches_column(lineage.names, column);
    treatment.mask = is_masked ? mask_key_ : nullptr;
    return treatment;
}

} // namespace waltrail

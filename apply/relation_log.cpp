#include "apply/relation_log.hpp"

#include "apply/shown_text.hpp"

#include <nlohmann/json.hpp>

namespace waltrail {

namespace {

// The newest shape of the table either is this one, and began no later than this position, or this one is new. It is new as
// well where another table had the name meanwhile: two tables that swap their names, and swap them back.
constexpr const char *upsert_sql = R"(
WITH n AS (
    SELECT $1::pg_catalog.int4 AS source_id, $2::pg_catalog.oid AS relation_oid,
           $3::pg_catalog.int8 AS from_position, $4::pg_catalog.varchar AS "schema",
           $5::pg_catalog.varchar AS "table", $6::pg_catalog.varchar AS leaf_schema,
           $7::pg_catalog.varchar AS leaf_table, $8::pg_catalog."char" AS replica_identity,
           $9::pg_catalog.jsonb AS columns,
           ARRAY(SELECT k FROM pg_catalog.jsonb_array_elements_text($10::pg_catalog.jsonb) k) AS key_columns),
newest AS (
    SELECT r.* FROM changes.relations r JOIN n USING (source_id, relation_oid)
    ORDER BY r.from_position DESC LIMIT 1),
same AS (
    SELECT r.source_id, r.relation_oid, r.from_position FROM newest r, n
    WHERE (r."schema", r."table", r.leaf_schema, r.leaf_table, r.replica_identity, r.columns, r.key_columns)
        = (n."schema", n."table", n.leaf_schema, n.leaf_table, n.replica_identity, n.columns, n.key_columns)
      AND NOT EXISTS (
        SELECT FROM changes.relations o
        WHERE (o.source_id, o.leaf_schema, o.leaf_table) = (n.source_id, n.leaf_schema, n.leaf_table)
          AND o.relation_oid <> n.relation_oid
          AND o.from_position > r.from_position AND o.from_position < n.from_position)),
lowered AS (
    UPDATE changes.relations r SET from_position = n.from_position FROM same s, n
    WHERE (r.source_id, r.relation_oid, r.from_position) = (s.source_id, s.relation_oid, s.from_position)
      AND n.from_position < r.from_position)
INSERT INTO changes.relations (source_id, relation_oid, from_position, "schema", "table", leaf_schema, leaf_table,
                               replica_identity, columns, key_columns)
SELECT * FROM n WHERE NOT EXISTS (SELECT FROM same)
ON CONFLICT DO NOTHING)";

std::string columns_json(const wire::Relation &relation) {
    auto columns = nlohmann::json::array();
    for (const wire::Column &column : relation.columns)
        columns.push_back({{"name", shown_text(column.name)},
                           {"type", shown_text(column.type_name)},
                           {"type_oid", column.type.oid},
                           {"identity", column.in_identity},
                           {"generated", column.generated},
                           {"masked", column.masked}});
    return columns.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string key_json(const wire::Relation &relation) {
    auto key = nlohmann::json::array();
    for (uint16_t column : relation.key) key.push_back(shown_text(relation.columns[column].name));
    return key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

bool RelationLog::note_other(uint64_t description_id, const wire::Relation &relation,
                             wire::Lsn position) {
    auto [entry, is_new] = known_.try_emplace(description_id);
    Known &known = entry->second;
    if (is_new)
        known.oid_of_name =
            &oids_of_names_[{shown_text(relation.schema), shown_text(relation.table)}];
    bool has_name_again = !is_new && *known.oid_of_name != relation.oid;
    bool is_told = is_new || has_name_again || position < known.lowest;
    *known.oid_of_name = relation.oid;
    if (is_told) known.lowest = position;
    newest_id_ = description_id;
    newest_lowest_ = known.lowest;
    if (!is_told) return false;
    pending_.push_back({std::to_string(source_id_), std::to_string(relation.oid),
                        std::to_string(position.value), shown_text(relation.root_schema),
                        shown_text(relation.root_table), shown_text(relation.schema),
                        shown_text(relation.table),
                        std::string(1, static_cast<char>(relation.replica_identity)),
                        columns_json(relation), key_json(relation)});
    return is_new;
}

void write_relations(PostgresConnection &destination, const std::vector<RelationRecord> &records) {
    for (const RelationRecord &record : records) destination.execute(upsert_sql, record);
}

} // namespace waltrail

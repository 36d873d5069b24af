#include "apply/relation_log.hpp"

#include <nlohmann/json.hpp>

namespace waltrail {

namespace {

constexpr const char *insert_sql = R"(
INSERT INTO changes.relations (source_id, relation_oid, from_position, "schema", "table", leaf_schema, leaf_table,
                               replica_identity, columns, key_columns)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::pg_catalog.jsonb,
       ARRAY(SELECT k FROM pg_catalog.jsonb_array_elements_text($10::pg_catalog.jsonb) k)
WHERE NOT EXISTS (
    SELECT FROM (SELECT * FROM changes.relations WHERE source_id = $1 AND relation_oid = $2
                 ORDER BY from_position DESC LIMIT 1) r
    WHERE r."schema" = $4 AND r."table" = $5 AND r.leaf_schema = $6 AND r.leaf_table = $7 AND r.replica_identity = $8
      AND r.columns = $9::pg_catalog.jsonb
      AND r.key_columns = ARRAY(SELECT k FROM pg_catalog.jsonb_array_elements_text($10::pg_catalog.jsonb) k))
ON CONFLICT DO NOTHING)";

std::string columns_json(const wire::Relation &relation) {
    auto columns = nlohmann::json::array();
    for (const wire::Column &column : relation.columns)
        columns.push_back({{"name", column.name},
                           {"type", column.type_name},
                           {"type_oid", column.type.oid},
                           {"identity", column.in_identity},
                           {"generated", column.generated}});
    return columns.dump();
}

std::string key_json(const wire::Relation &relation) {
    auto key = nlohmann::json::array();
    for (uint16_t column : relation.key) key.push_back(relation.columns[column].name);
    return key.dump();
}

} // namespace

void RelationLog::note(uint64_t description_id, const wire::Relation &relation, wire::Lsn first_position) {
    if (!met_.insert(description_id).second) return;
    pending_.push_back({std::to_string(source_id_), std::to_string(relation.oid), std::to_string(first_position.value),
                        std::string(relation.root_schema), std::string(relation.root_table), std::string(relation.schema),
                        std::string(relation.table), std::string(1, static_cast<char>(relation.replica_identity)),
                        columns_json(relation), key_json(relation)});
}

void RelationLog::write(PostgresConnection &destination) {
    for (auto &parameters : pending_) destination.execute(insert_sql, parameters);
    pending_.clear();
}

} // namespace waltrail

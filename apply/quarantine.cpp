#include "apply/quarantine.hpp"

#include "apply/lsn.hpp"
#include "wire/change_id.hpp"
#include "wire/change_json.hpp"

namespace waltrail {

namespace {

constexpr const char *insert_sql = R"(
INSERT INTO changes.quarantine (id, source_id, commit_lsn, "sequence", "schema", "table", operation, sqlstate, error, frame)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING)";

std::string bytea_text(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text = "\\x";
    text.reserve(2 + bytes.size() * 2);
    for (char byte : bytes) {
        text += digits[static_cast<uint8_t>(byte) >> 4];
        text += digits[static_cast<uint8_t>(byte) & 0x0F];
    }
    return text;
}

} // namespace

void QuarantineLog::note(const wire::StreamReader &reader, const Refusal &refusal) {
    const wire::Change &change = reader.change();
    std::string id(36, ' ');
    wire::write_uuid_text(id.data(),
                          wire::change_id(reader.source(), reader.transaction(), change.sequence));
    pending_.push_back({id, std::to_string(source_id_), lsn_text(reader.transaction().commit_lsn),
                        std::to_string(change.sequence), std::string(wire::schema_name(change)),
                        std::string(wire::table_name(change)),
                        std::string(wire::operation_name(change.operation)), refusal.sqlstate,
                        refusal.message, bytea_text(reader.self_contained_frame())});
}

size_t QuarantineLog::write(PostgresConnection &destination) {
    for (auto &parameters : pending_) destination.execute(insert_sql, parameters);
    size_t count = pending_.size();
    pending_.clear();
    return count;
}

} // namespace waltrail

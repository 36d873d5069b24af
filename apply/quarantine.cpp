#include "apply/quarantine.hpp"

#include "apply/lsn.hpp"
#include "apply/shown_text.hpp"
#include "wire/change_id.hpp"
#include "wire/change_json.hpp"

namespace waltrail {

namespace {

constexpr const char *insert_sql = R"(
INSERT INTO changes.quarantine (id, source_id, commit_lsn, "sequence", "schema", "table", operation, sqlstate, error, part, frame)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id, part) DO NOTHING)";

} // namespace

void QuarantineLog::Entry::take_frame(std::string_view header, std::string_view payload) {
    if (parts.empty() || parts.back().size() + header.size() + payload.size() > part_bytes_max)
        parts.emplace_back();
    parts.back().append(header).append(payload);
}

void QuarantineLog::note(const wire::StreamReader &reader, const Refusal &refusal) {
    const wire::Change &change = reader.change();
    std::string id(36, ' ');
    wire::write_uuid_text(id.data(),
                          wire::change_id(reader.source(), reader.transaction(), change.sequence));
    Entry entry;
    entry.columns = {id,
                     std::to_string(source_id_),
                     lsn_text(reader.transaction().commit_lsn),
                     std::to_string(change.sequence),
                     shown_text(wire::schema_name(change)),
                     shown_text(wire::table_name(change)),
                     std::string(wire::operation_name(change.operation)),
                     refusal.sqlstate,
                     refusal.message};
    reader.write_self_contained(
        {[](void *owner, std::string_view header, std::string_view payload) {
             static_cast<Entry *>(owner)->take_frame(header, payload);
         },
         &entry});
    pending_.push_back(std::move(entry));
}

size_t QuarantineLog::write(PostgresConnection &destination) {
    for (Entry &entry : pending_) {
        for (size_t part = 0; part < entry.parts.size(); part++) {
            std::vector<Parameter> columns = entry.columns;
            columns.push_back(std::to_string(part));
            destination.execute_with_bytes(insert_sql, columns, entry.parts[part]);
        }
    }
    size_t count = pending_.size();
    pending_.clear();
    return count;
}

} // namespace waltrail

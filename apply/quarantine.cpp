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

// A message of the protocol has room for 1 GB, and a change may be longer: its frames are divided over rows.
constexpr size_t part_bytes_max = size_t{64} << 20;

void take_frame(void *owner, std::string_view header, std::string_view payload) {
    auto &parts = *static_cast<std::vector<std::string> *>(owner);
    if (parts.empty() || parts.back().size() + header.size() + payload.size() > part_bytes_max)
        parts.emplace_back();
    parts.back().append(header).append(payload);
}

} // namespace

QuarantineEntry quarantine_entry(int source_id, const wire::StreamReader &reader, Refusal refusal) {
    const wire::Change &change = reader.change();
    std::string id(36, ' ');
    wire::write_uuid_text(id.data(),
                          wire::change_id(reader.source(), reader.transaction(), change.sequence));
    QuarantineEntry entry;
    entry.columns = {id,
                     std::to_string(source_id),
                     lsn_text(reader.transaction().commit_lsn),
                     std::to_string(change.sequence),
                     shown_text(wire::schema_name(change)),
                     shown_text(wire::table_name(change)),
                     std::string(wire::operation_name(change.operation))};
    entry.refusal = std::move(refusal);
    reader.write_self_contained({take_frame, &entry.parts});
    return entry;
}

void write_quarantine(PostgresConnection &destination, const QuarantineEntry &entry) {
    for (size_t part = 0; part < entry.parts.size(); part++) {
        std::vector<Parameter> columns = entry.columns;
        columns.insert(columns.end(),
                       {entry.refusal.sqlstate, entry.refusal.message, std::to_string(part)});
        destination.execute_with_bytes(insert_sql, columns, entry.parts[part]);
    }
}

} // namespace waltrail

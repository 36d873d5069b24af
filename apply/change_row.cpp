#include "apply/change_row.hpp"

#include "wire/change_json.hpp"
#include "wire/json_render.hpp"
#include "wire/raw_text.hpp"
#include "wire/text_render.hpp"

namespace waltrail {

namespace {

constexpr uint16_t columns = 14;
constexpr uint8_t jsonb_version = 1;
// Signature, flags, and length of the header's extension, which there is none of.
constexpr std::string_view header("PGCOPY\n\377\r\n\0"
                                  "\0\0\0\0"
                                  "\0\0\0\0",
                                  19);
constexpr std::string_view trailer("\377\377", 2); // a field count of -1

// The server takes a field of COPY into a buffer of its own, which ends below 1 GiB.
constexpr size_t copy_row_bytes_max = 1'000'000'000;
// The values of an object together (JENTRY_OFFLENMASK in jsonb.h).
constexpr size_t jsonb_bytes_max = 0x0FFFFFFF;

// Whether the row's strings alone are more than jsonb can hold. What else it cannot hold, only the server can tell.
bool passes_jsonb(std::span<const wire::Value> row, const wire::Change &change) {
    size_t bytes = 0;
    for (size_t i = 0; i < row.size(); i++) {
        wire::Kind kind = type_of(row[i], change.relation->columns[i].type).kind;
        if (kind == wire::Kind::text) bytes += row[i].bytes.size();
        if (kind == wire::Kind::bytea) bytes += row[i].bytes.size() * 2;
    }
    return bytes > jsonb_bytes_max;
}

template <typename Integer> void append_big_endian(wire::Buffer &out, Integer value) {
    using Unsigned = std::make_unsigned_t<Integer>;
    auto bits = static_cast<Unsigned>(value);
    if constexpr (sizeof bits == 8)
        bits = __builtin_bswap64(bits);
    else if constexpr (sizeof bits == 4)
        bits = __builtin_bswap32(bits);
    else
        bits = __builtin_bswap16(bits);
    out.append(&bits, sizeof bits);
}

// Reserves the length of a field; end_field() writes it.
size_t begin_field(wire::Buffer &out) {
    out.append_zeros(sizeof(int32_t));
    return out.size;
}

void end_field(wire::Buffer &out, size_t start) {
    uint32_t length = __builtin_bswap32(static_cast<uint32_t>(out.size - start));
    std::memcpy(out.data + start - sizeof length, &length, sizeof length);
}

void append_text_field(wire::Buffer &out, std::string_view text) {
    size_t start = begin_field(out);
    wire::append_shown_text(out, text);
    end_field(out, start);
}

void append_uuid_field(wire::Buffer &out, const wire::Uuid &id) {
    append_big_endian(out, static_cast<int32_t>(id.size()));
    out.append(id.data(), id.size());
}

void append_int8_field(wire::Buffer &out, int64_t value) {
    append_big_endian(out, int32_t{8});
    append_big_endian(out, value);
}

void append_time_field(wire::Buffer &out, wire::Timestamp time) {
    append_int8_field(out, wire::truncate_to_second(time).microseconds);
}

void append_key_field(wire::Buffer &out, const wire::Change &change) {
    size_t start = begin_field(out);
    bool removed = change.operation == wire::Operation::remove;
    if (wire::append_primary_key(out, *change.relation, removed ? change.before : change.after)) {
        end_field(out, start);
    } else {
        out.size = start - sizeof(int32_t);
        append_big_endian(out, int32_t{-1});
    }
}

wire::Marks append_row_field(wire::Buffer &out, const wire::Relation &relation,
                             std::span<const wire::Value> row) {
    size_t start = begin_field(out);
    out.append_byte(jsonb_version);
    wire::Marks marks = wire::append_jsonb_row(out, relation, row);
    end_field(out, start);
    return marks;
}

void append_context_field(wire::Buffer &out, std::string_view context, const wire::Change &change,
                          wire::Marks marks) {
    size_t start = begin_field(out);
    out.append_byte(jsonb_version);
    wire::append_context_json(out, context, change, marks);
    end_field(out, start);
}

} // namespace

std::string_view copy_header() { return header; }

std::string_view copy_trailer() { return trailer; }

RowOutcome append_change_row(wire::Buffer &out, const RowSetting &setting,
                             const wire::Change &change) {
    if (passes_jsonb(change.before, change) || passes_jsonb(change.after, change))
        return RowOutcome::too_large;
    size_t start = out.size;
    const wire::Relation &relation = *change.relation;
    wire::Uuid id = wire::change_id(*setting.source, *setting.transaction, change.sequence);
    append_big_endian(out, static_cast<int16_t>(columns));
    append_uuid_field(out, id);
    append_text_field(out, setting.label);
    append_text_field(out, wire::schema_name(change));
    append_text_field(out, wire::table_name(change));
    append_key_field(out, change);
    append_text_field(out, wire::operation_name(change.operation));
    wire::Marks marks = append_row_field(out, relation, change.before);
    marks |= append_row_field(out, relation, change.after);
    append_context_field(out, setting.context, change, marks);
    if (out.size - start > copy_row_bytes_max) {
        out.size = start;
        return RowOutcome::too_large;
    }
    append_time_field(out, setting.transaction->committed_at);
    append_time_field(out, setting.queued_at);
    append_time_field(out, setting.created_at);
    append_int8_field(out, static_cast<int64_t>(setting.transaction->xid.value));
    append_int8_field(out, static_cast<int64_t>(change.position.value));
    return wire::is_marked(change, marks) ? RowOutcome::marked : RowOutcome::plain;
}

} // namespace waltrail

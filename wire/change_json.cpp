#include "wire/change_json.hpp"

#include "wire/change_id.hpp"
#include "wire/decimal.hpp"
#include "wire/json_render.hpp"
#include "wire/text_render.hpp"

#include <limits>

namespace waltrail::wire {

namespace {

constexpr int64_t microseconds_per_second = 1'000'000;

void append_text_member(Buffer &out, std::string_view name, std::string_view text) {
    out.append(name);
    append_json_string(out, text);
}

void append_number_member(Buffer &out, std::string_view name, uint64_t value) {
    out.append(name);
    char text[decimal_bytes_max];
    char *limit = text + sizeof text;
    char *start = write_decimal_before(limit, value);
    out.append(start, static_cast<size_t>(limit - start));
}

void append_time_member(Buffer &out, std::string_view name, Timestamp time) {
    Timestamp seconds = truncate_to_second(time);
    out.append(name);
    out.append_byte('"');
    append_json_datetime(out, Kind::timestamptz,
                         {reinterpret_cast<const char *>(&seconds.microseconds), sizeof(int64_t)});
    out.append_byte('"');
}

void append_key_member(Buffer &out, const Change &change) {
    out.append(",\"primary_key\":");
    Buffer key;
    key.allocator = out.allocator;
    bool known =
        append_primary_key(key, *change.relation,
                           change.operation == Operation::remove ? change.before : change.after);
    if (known)
        append_json_string(out, key.view());
    else
        out.append("null");
    key.release();
}

} // namespace

std::string_view operation_name(Operation operation) {
    switch (operation) {
    case Operation::insert:
        return "CREATE";
    case Operation::update:
        return "UPDATE";
    case Operation::remove:
        return "DELETE";
    case Operation::truncate:
        return "TRUNCATE";
    }
    return "";
}

std::string_view schema_name(const Change &change) {
    bool by_itself = change.operation == Operation::truncate;
    return by_itself ? change.relation->schema : change.relation->root_schema;
}

std::string_view table_name(const Change &change) {
    bool by_itself = change.operation == Operation::truncate;
    return by_itself ? change.relation->table : change.relation->root_table;
}

Timestamp truncate_to_second(Timestamp time) {
    int64_t rest = time.microseconds % microseconds_per_second;
    if (rest < 0) rest += microseconds_per_second;
    if (time.microseconds < std::numeric_limits<int64_t>::min() + rest)
        return time; // below every time there is
    return {time.microseconds - rest};
}

void append_change_json(Buffer &out, const ChangeSetting &setting, const Change &change) {
    char id[36];
    write_uuid_text(id, change_id(*setting.source, *setting.transaction, change.sequence));
    append_text_member(out, "{\"id\":", {id, sizeof id});
    append_text_member(out, ",\"database\":", setting.database);
    append_text_member(out, ",\"schema\":", schema_name(change));
    append_text_member(out, ",\"table\":", table_name(change));
    append_key_member(out, change);
    append_text_member(out, ",\"operation\":", operation_name(change.operation));
    out.append(",\"before\":");
    Marks marks = append_json_row(out, *change.relation, change.before);
    out.append(",\"after\":");
    marks |= append_json_row(out, *change.relation, change.after);
    out.append(",\"context\":");
    append_context_json(out, setting.context, change, marks);
    append_time_member(out, ",\"committed_at\":", setting.transaction->committed_at);
    append_time_member(out, ",\"queued_at\":", setting.queued_at);
    out.append(",\"created_at\":null");
    append_number_member(out, ",\"transaction_id\":", setting.transaction->xid.value);
    append_number_member(out, ",\"position\":", change.position.value);
    out.append_byte('}');
}

} // namespace waltrail::wire

#include "wire/records.hpp"

#include "wire/json_render.hpp"
#include "wire/raw_text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace waltrail::wire {

namespace {

constexpr uint64_t columns_max = 1664; // MaxTupleAttributeNumber
constexpr int nesting_max = 64;
constexpr uint64_t dimensions_max = 6; // MAXDIM
constexpr uint64_t array_items_max = uint64_t{1} << 27;

Problem truncated_record = "record ends before its content does";

Problem parse_type(Cursor &in, Arena &arena, Type &type, int depth);

Problem parse_fields(Cursor &in, Arena &arena, Type &type, int depth) {
    uint64_t count = in.varint();
    if (count > columns_max || count > in.left() / 3) return "composite type with too many fields";
    auto fields = arena.make<Field>(count);
    for (Field &field : fields) {
        field.name = arena.copy(in.string());
        field.json_name = json_name(field.name, arena);
        if (Problem problem = parse_type(in, arena, field.type, depth + 1)) return problem;
    }
    type.fields = fields;
    return nullptr;
}

Problem parse_type(Cursor &in, Arena &arena, Type &type, int depth) {
    if (depth > nesting_max) return "type nested too deeply";
    uint8_t kind = in.byte();
    if (kind > kind_max) return "unknown kind of value";
    type.kind = static_cast<Kind>(kind);
    type.oid = static_cast<uint32_t>(in.varint());
    if (in.failed) return truncated_record;
    if (type.kind == Kind::array) {
        type.delimiter = static_cast<char>(in.byte());
        auto element = arena.make<Type>(1);
        type.element = element.data();
        return parse_type(in, arena, element[0], depth + 1);
    }
    if (type.kind == Kind::composite) return parse_fields(in, arena, type, depth);
    return nullptr;
}

std::span<const uint16_t> jsonb_order(std::span<const Column> columns, Arena &arena) {
    auto order = arena.make<uint16_t>(columns.size());
    std::iota(order.begin(), order.end(), uint16_t{0});
    std::ranges::sort(
        order, {}, [&](uint16_t i) { return std::pair(columns[i].name.size(), columns[i].name); });
    return order;
}

Problem parse_column(Cursor &in, Arena &arena, Column &column) {
    column.name = arena.copy(in.string());
    column.json_name = json_name(column.name, arena);
    column.type_name = arena.copy(in.string());
    uint8_t flags = in.byte();
    if ((flags & ~column_flags) != 0) return "unknown column flag";
    column.in_identity = (flags & column_flag_identity) != 0;
    column.generated = (flags & column_flag_generated) != 0;
    column.masked = (flags & column_flag_masked) != 0;
    return parse_type(in, arena, column.type, 0);
}

bool is_replica_identity(uint8_t byte) {
    return byte == 'd' || byte == 'n' || byte == 'f' || byte == 'i';
}

bool has_new_row(RecordTag tag) { return tag == RecordTag::insert || tag == RecordTag::update; }

void set_states(std::span<Value> row, Value::State state) {
    for (Value &value : row) value = {state, false, {}, false};
}

Problem parse_present(Cursor &in, const Relation &relation, std::span<Value> row) {
    for (size_t i = 0; i < row.size(); i++) {
        if (row[i].state != Value::State::present || row[i].same_as_old) continue;
        const Type &type = type_of(row[i], relation.columns[i].type);
        if (Problem problem = parse_value(in, type, row[i].bytes)) return problem;
    }
    return nullptr;
}

Problem parse_unreadable(Cursor &in, const ChangeHeader &header, std::span<Value> row) {
    if (!header.unreadable) return nullptr;
    auto bitmap = in.bytes(bitmap_bytes(row.size()));
    if (in.failed) return truncated_record;
    for (size_t i = 0; i < row.size(); i++) {
        if (!bit(bitmap.data(), i) || row[i].same_as_old) continue;
        if (row[i].state != Value::State::present) return "an unreadable value that is not there";
        row[i].unreadable = true;
    }
    return nullptr;
}

void mark_nulls(const char *bitmap, std::span<Value> row) {
    for (size_t i = 0; i < row.size(); i++)
        if (row[i].state == Value::State::present && bit(bitmap, i))
            row[i].state = Value::State::null;
}

Problem parse_old_row(Cursor &in, const ChangeHeader &header, const Relation &relation,
                      std::span<Value> row) {
    if (header.old_row == OldRow::none) return nullptr;
    for (size_t i = 0; i < row.size(); i++)
        if (header.old_row == OldRow::whole || relation.columns[i].in_identity)
            row[i].state = Value::State::present;
    if (header.old_nulls) {
        auto bitmap = in.bytes(bitmap_bytes(row.size()));
        if (in.failed) return truncated_record;
        mark_nulls(bitmap.data(), row);
    }
    if (Problem problem = parse_unreadable(in, header, row)) return problem;
    return parse_present(in, relation, row);
}

Problem parse_new_row(Cursor &in, RecordTag tag, const ChangeHeader &header,
                      const Relation &relation, std::span<const Value> before,
                      std::span<Value> after) {
    size_t bytes = bitmap_bytes(after.size());
    bool delta = tag == RecordTag::update && header.old_row == OldRow::whole;
    set_states(after, Value::State::present);
    if (delta) {
        auto changed = in.bytes(bytes);
        if (in.failed) return truncated_record;
        for (size_t i = 0; i < after.size(); i++)
            if (!bit(changed.data(), i)) {
                after[i] = before[i];
                after[i].same_as_old = true;
            }
    } else if (header.new_absent) {
        auto absent = in.bytes(bytes);
        if (in.failed) return truncated_record;
        for (size_t i = 0; i < after.size(); i++)
            if (bit(absent.data(), i)) after[i].state = Value::State::absent;
    }
    if (header.new_nulls) {
        auto nulls = in.bytes(bytes);
        if (in.failed) return truncated_record;
        for (size_t i = 0; i < after.size(); i++)
            if (!after[i].same_as_old && after[i].state == Value::State::present &&
                bit(nulls.data(), i))
                after[i].state = Value::State::null;
    }
    if (Problem problem = parse_unreadable(in, header, after)) return problem;
    return parse_present(in, relation, after);
}

// What a server holds in 32 bits, so that arithmetic on it in 64 cannot overflow.
bool fits_int32(int64_t value) { return value == static_cast<int32_t>(value); }

Problem check_array(std::string_view body, const Type &type, int depth) {
    Cursor in(body);
    uint64_t dimensions = in.varint();
    if (dimensions > dimensions_max) return "array with too many dimensions";
    uint64_t items = dimensions == 0 ? 0 : 1;
    for (uint64_t i = 0; i < dimensions; i++) {
        uint64_t length = in.varint();
        if (!fits_int32(in.zigzag())) return "array bound out of range";
        if (length > array_items_max) return "array with too many elements";
        items *= length;
        if (items > array_items_max) return "array with too many elements";
    }
    bool nulls = in.byte() != 0;
    auto bitmap = nulls ? in.bytes(bitmap_bytes(items)) : std::string_view{};
    if (in.failed) return truncated_record;
    for (uint64_t i = 0; i < items; i++) {
        if (nulls && bit(bitmap.data(), i)) continue;
        std::string_view bytes;
        if (Problem problem = parse_value(in, *type.element, bytes, depth + 1)) return problem;
    }
    return in.failed || !in.at_end() ? "array of another length than it says" : nullptr;
}

Problem check_composite(std::string_view body, const Type &type, int depth) {
    Cursor in(body);
    auto bitmap = in.bytes(bitmap_bytes(type.fields.size()));
    if (in.failed) return truncated_record;
    for (size_t i = 0; i < type.fields.size(); i++) {
        if (bit(bitmap.data(), i)) continue;
        std::string_view bytes;
        if (Problem problem = parse_value(in, type.fields[i].type, bytes, depth + 1))
            return problem;
    }
    return in.failed || !in.at_end() ? "composite value of another length than it says" : nullptr;
}

} // namespace

Problem parse_session(Cursor &in, Source &source) {
    source.system_identifier = in.little_endian<uint64_t>();
    source.database_oid = static_cast<uint32_t>(in.varint());
    source.database = in.string();
    source.server_version = static_cast<uint32_t>(in.varint());
    return in.failed ? truncated_record : nullptr;
}

Problem parse_relation(Cursor &in, Arena &arena, Relation &relation) {
    relation.number = static_cast<uint32_t>(in.varint());
    relation.oid = static_cast<uint32_t>(in.varint());
    relation.schema = arena.copy(in.string());
    relation.table = arena.copy(in.string());
    relation.root_schema = arena.copy(in.string());
    relation.root_table = arena.copy(in.string());
    uint8_t identity = in.byte();
    uint64_t count = in.varint();
    if (in.failed) return truncated_record;
    if (!is_replica_identity(identity)) return "unknown replica identity";
    if (count > columns_max || count > in.left() / 5) return "relation with too many columns";
    relation.replica_identity = static_cast<ReplicaIdentity>(identity);
    auto columns = arena.make<Column>(count);
    for (Column &column : columns)
        if (Problem problem = parse_column(in, arena, column)) return problem;
    uint64_t key_count = in.varint();
    if (in.failed || key_count > count)
        return "key of a relation with more columns than the relation";
    auto key = arena.make<uint16_t>(key_count);
    for (uint16_t &index : key) {
        uint64_t column = in.varint();
        if (column >= count) return "key column that the relation does not have";
        index = static_cast<uint16_t>(column);
    }
    relation.columns = columns;
    relation.jsonb_order = jsonb_order(columns, arena);
    relation.key = key;
    relation.raw_names = has_raw_names(relation);
    return in.failed ? truncated_record : nullptr;
}

Problem parse_begin(Cursor &in, Transaction &transaction) {
    transaction.xid = {in.varint()};
    transaction.commit_lsn = {in.varint()};
    transaction.end_lsn = {transaction.commit_lsn.value + in.varint()};
    transaction.committed_at = {in.little_endian<int64_t>()};
    return in.failed ? truncated_record : nullptr;
}

Problem parse_commit(Cursor &in, Commit &commit) {
    commit.changes_sent = in.varint();
    commit.changes_decoded = in.varint();
    return in.failed ? truncated_record : nullptr;
}

Problem parse_context(Cursor &in, std::string_view &json_object) {
    json_object = in.string();
    return in.failed ? truncated_record : nullptr;
}

Problem parse_change_header(Cursor &in, RecordTag tag, ChangeHeader &header) {
    uint8_t flags = in.byte();
    header.relation = static_cast<uint32_t>(in.varint());
    header.position_distance = in.zigzag();
    header.skipped = (flags & change_flag_skipped) != 0 ? in.varint() : 0;
    header.old_nulls = (flags & change_flag_old_nulls) != 0;
    header.new_nulls = (flags & change_flag_new_nulls) != 0;
    header.new_absent = (flags & change_flag_new_absent) != 0;
    uint8_t old_row = (flags >> change_old_row_shift) & 0x03;
    bool is_truncate = tag == RecordTag::truncate;
    header.unreadable = !is_truncate && (flags & change_flag_unreadable) != 0;
    header.cascade = is_truncate && (flags & change_flag_cascade) != 0;
    header.restart_identity = (flags & change_flag_restart_identity) != 0;
    if (in.failed) return truncated_record;
    if (old_row > 2) return "unknown kind of old row";
    header.old_row = static_cast<OldRow>(old_row);
    bool takes_old = tag == RecordTag::update || tag == RecordTag::remove;
    if (!takes_old && (old_row != 0 || header.old_nulls))
        return "old row where the operation has none";
    if (old_row == 0 && header.old_nulls) return "null bitmap of an old row that is not there";
    if (header.old_row == OldRow::whole && header.new_absent && has_new_row(tag))
        return "absent columns beside a whole old row";
    if (!has_new_row(tag) && (header.new_nulls || header.new_absent))
        return "new row where the operation has none";
    if (header.unreadable && old_row == 0 && !has_new_row(tag))
        return "unreadable values where there is no row";
    if (!is_truncate && header.restart_identity) return "flag of TRUNCATE on another operation";
    return nullptr;
}

Problem parse_change_rows(Cursor &in, RecordTag tag, const ChangeHeader &header,
                          const Relation &relation, std::span<Value> before,
                          std::span<Value> after) {
    set_states(before, Value::State::absent);
    set_states(after, Value::State::absent);
    if (Problem problem = parse_old_row(in, header, relation, before)) return problem;
    if (!has_new_row(tag)) return nullptr;
    return parse_new_row(in, tag, header, relation, before, after);
}

Problem parse_value(Cursor &in, const Type &type, std::string_view &bytes, int depth) {
    if (depth > nesting_max) return "value nested too deeply";
    const char *start = in.at;
    switch (type.kind) {
    case Kind::boolean:
        bytes = in.bytes(1);
        break;
    case Kind::float4:
        bytes = in.bytes(4);
        break;
    case Kind::float8:
    case Kind::timestamp:
    case Kind::timestamptz:
        bytes = in.bytes(8);
        break;
    case Kind::uuid:
        bytes = in.bytes(16);
        break;
    case Kind::int2:
    case Kind::int4:
    case Kind::int8:
    case Kind::time:
        in.varint();
        bytes = {start, static_cast<size_t>(in.at - start)};
        break;
    case Kind::date:
        if (!fits_int32(in.zigzag())) return "date out of range";
        bytes = {start, static_cast<size_t>(in.at - start)};
        break;
    case Kind::timetz:
        in.varint();
        if (!fits_int32(in.zigzag())) return "time zone out of range";
        bytes = {start, static_cast<size_t>(in.at - start)};
        break;
    case Kind::text:
    case Kind::numeric:
    case Kind::bytea:
    case Kind::json:
    case Kind::jsonb:
        bytes = in.string();
        break;
    case Kind::array:
    case Kind::composite: {
        bytes = in.bytes(in.little_endian<uint32_t>());
        if (in.failed) return truncated_record;
        return type.kind == Kind::array ? check_array(bytes, type, depth)
                                        : check_composite(bytes, type, depth);
    }
    }
    return in.failed ? truncated_record : nullptr;
}

} // namespace waltrail::wire

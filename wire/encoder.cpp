#include "wire/encoder.hpp"

#include <algorithm>

namespace waltrail::wire {

void FrameWriter::begin_record(RecordTag tag) {
    if (payload.size == 0) header_.decoded_at = clock();
    header_before_record_ = header_;
    header_.begins |= tag == RecordTag::begin;
    header_.commits |= tag == RecordTag::commit;
    header_.describes |= tag == RecordTag::relation;
    record_start_ = payload.size;
    payload.append_byte(static_cast<uint8_t>(tag));
}

void FrameWriter::end_record() {
    if (fragmenting_) {
        header_.fragment = Fragment::last;
        header_.decoded_at = record_decoded_at_;
        send(header_, payload.view());
        fragmenting_ = false;
        start_frame();
    } else if (payload.size >= frame_target_bytes && !header_.self_contained) {
        flush();
    }
}

// Forgets what has been sent.
void FrameWriter::start_frame() {
    payload.clear();
    record_start_ = 0;
    bool self_contained = header_.self_contained;
    header_ = {};
    header_.self_contained = self_contained;
}

void FrameWriter::append_long(std::string_view bytes) {
    while (!bytes.empty()) {
        size_t piece = std::min(bytes.size(), fragment_bytes);
        payload.append(slice(bytes, 0, piece));
        bytes.remove_prefix(piece);
        spill_if_long();
    }
}

void FrameWriter::flush() {
    if (payload.size == 0) return;
    send(header_, payload.view());
    start_frame();
}

void FrameWriter::reset() {
    payload.clear();
    record_start_ = 0;
    fragmenting_ = false;
    header_ = {};
}

// Sends the whole records before this one in a frame of their own, then this record's bytes in fragments, but keeps a
// rest, so that there is always something for the last fragment.
void FrameWriter::spill() {
    if (!fragmenting_) record_decoded_at_ = header_.decoded_at;
    if (!fragmenting_ && record_start_ > 0) {
        send(header_before_record_, slice(payload.view(), 0, record_start_));
        FrameHeader of_record;
        of_record.begins = header_.begins && !header_before_record_.begins;
        of_record.commits = header_.commits && !header_before_record_.commits;
        of_record.describes = header_.describes && !header_before_record_.describes;
        of_record.self_contained = header_.self_contained;
        of_record.decoded_at = record_decoded_at_; // it may yet turn out to fit into a frame
        header_ = of_record;
    }
    size_t sent = record_start_;
    while (payload.size - sent > fragment_bytes) {
        header_.decoded_at = record_decoded_at_;
        header_.fragment = fragmenting_ ? Fragment::middle : Fragment::first;
        send(header_, slice(payload.view(), sent, fragment_bytes));
        sent += fragment_bytes;
        FrameHeader continuation;
        continuation.self_contained = header_.self_contained;
        header_ = continuation;
        fragmenting_ = true;
    }
    std::memmove(payload.data, payload.data + sent, payload.size - sent);
    payload.size -= sent;
    record_start_ = 0;
}

void FrameWriter::send(const FrameHeader &header, std::string_view bytes) {
    char encoded[frame_header_bytes];
    write_frame_header(encoded, header, bytes);
    sink.send(sink.owner, {encoded, sizeof encoded}, bytes);
}

namespace {

void encode_type(Buffer &out, const Type &type) {
    out.append_byte(static_cast<uint8_t>(type.kind));
    out.append_varint(type.oid);
    if (type.kind == Kind::array) {
        out.append_byte(static_cast<uint8_t>(type.delimiter));
        encode_type(out, *type.element);
    } else if (type.kind == Kind::composite) {
        out.append_varint(type.fields.size());
        for (const Field &field : type.fields) {
            out.append_string(field.name);
            encode_type(out, field.type);
        }
    }
}

template <typename Test> void encode_bitmap(Buffer &out, std::span<const Value> row, Test test) {
    size_t start = out.size;
    out.append_zeros(bitmap_bytes(row.size()));
    for (size_t i = 0; i < row.size(); i++)
        if (test(row[i])) set_bit(out.data + start, i);
}

bool is_encoded_null(const Value &value) {
    return value.state == Value::State::null && !value.same_as_old;
}
bool is_absent(const Value &value) { return value.state == Value::State::absent; }
bool any_null(std::span<const Value> row) { return std::ranges::any_of(row, is_encoded_null); }
bool any_absent(std::span<const Value> row) { return std::ranges::any_of(row, is_absent); }

} // namespace

void encode_session(FrameWriter &out, const Source &source) {
    out.begin_record(RecordTag::session);
    out.payload.append_little_endian(source.system_identifier);
    out.payload.append_varint(source.database_oid);
    out.payload.append_string(source.database);
    out.payload.append_varint(source.server_version);
    out.end_record();
}

void encode_relation(FrameWriter &out, const Relation &relation) {
    out.begin_record(RecordTag::relation);
    Buffer &bytes = out.payload;
    bytes.append_varint(relation.number);
    bytes.append_varint(relation.oid);
    bytes.append_string(relation.schema);
    bytes.append_string(relation.table);
    bytes.append_string(relation.root_schema);
    bytes.append_string(relation.root_table);
    bytes.append_byte(static_cast<uint8_t>(relation.replica_identity));
    bytes.append_varint(relation.columns.size());
    for (const Column &column : relation.columns) {
        bytes.append_string(column.name);
        bytes.append_string(column.type_name);
        uint8_t flags = 0;
        if (column.in_identity) flags |= column_flag_identity;
        if (column.generated) flags |= column_flag_generated;
        if (column.masked) flags |= column_flag_masked;
        bytes.append_byte(flags);
        encode_type(bytes, column.type);
        out.spill_if_long();
    }
    bytes.append_varint(relation.key.size());
    for (uint16_t column : relation.key) bytes.append_varint(column);
    out.end_record();
}

void encode_begin(FrameWriter &out, const Transaction &transaction) {
    out.begin_record(RecordTag::begin);
    out.payload.append_varint(transaction.xid.value);
    out.payload.append_varint(transaction.commit_lsn.value);
    out.payload.append_varint(transaction.end_lsn.value - transaction.commit_lsn.value);
    out.payload.append_little_endian(transaction.committed_at.microseconds);
    out.end_record();
}

void encode_commit(FrameWriter &out, uint64_t changes_sent, uint64_t changes_decoded) {
    out.begin_record(RecordTag::commit);
    out.payload.append_varint(changes_sent);
    out.payload.append_varint(changes_decoded);
    out.end_record();
}

void encode_context(FrameWriter &out, std::string_view json_object) {
    out.begin_record(RecordTag::context);
    out.payload.append_varint(json_object.size());
    out.append_long(json_object);
    out.end_record();
}

uint8_t encode_change_header(FrameWriter &out, const Change &change, Lsn previous_position,
                             uint64_t skipped) {
    bool has_old_row = change.old_row != OldRow::none;
    bool has_new_row =
        change.operation == Operation::insert || change.operation == Operation::update;
    uint8_t flags =
        static_cast<uint8_t>(static_cast<uint8_t>(change.old_row) << change_old_row_shift);
    if (skipped != 0) flags |= change_flag_skipped;
    if (has_old_row && any_null(change.before)) flags |= change_flag_old_nulls;
    if (has_new_row && any_null(change.after)) flags |= change_flag_new_nulls;
    // Without a new row all its columns are absent, and no bitmap says so.
    if (has_new_row && change.old_row != OldRow::whole && any_absent(change.after))
        flags |= change_flag_new_absent;
    if (change.unreadable) flags |= change_flag_unreadable;
    if (change.cascade) flags |= change_flag_cascade;
    if (change.restart_identity) flags |= change_flag_restart_identity;

    out.begin_record(static_cast<RecordTag>(change.operation));
    out.payload.append_byte(flags);
    out.payload.append_varint(change.relation->number);
    out.payload.append_zigzag(
        static_cast<int64_t>(change.position.value - previous_position.value));
    if (skipped != 0) out.payload.append_varint(skipped);
    return flags;
}

void encode_null_bitmap(Buffer &out, std::span<const Value> row) {
    encode_bitmap(out, row, is_encoded_null);
}
void encode_absent_bitmap(Buffer &out, std::span<const Value> row) {
    encode_bitmap(out, row, is_absent);
}
void encode_changed_bitmap(Buffer &out, std::span<const Value> row) {
    encode_bitmap(out, row, [](const Value &value) { return !value.same_as_old; });
}

void encode_unreadable_bitmap(Buffer &out, std::span<const Value> row) {
    encode_bitmap(out, row, [](const Value &value) { return value.unreadable; });
}

void encode_value(Buffer &out, const Type &type, std::string_view bytes) {
    switch (type.kind) {
    case Kind::text:
    case Kind::numeric:
    case Kind::bytea:
    case Kind::json:
    case Kind::jsonb:
        return out.append_string(bytes);
    case Kind::array:
    case Kind::composite:
        out.append_little_endian(static_cast<uint32_t>(bytes.size()));
        return out.append(bytes);
    default:
        return out.append(bytes);
    }
}

} // namespace waltrail::wire

#include "wire/stream_reader.hpp"

namespace waltrail::wire {

StreamReader::~StreamReader() = default;

void StreamReader::load(const FrameHeader &header, std::string_view payload) {
    if (header.opens) reset();
    decoded_at_ = header.decoded_at;
    bool starts = header.fragment == Fragment::whole || header.fragment == Fragment::first;
    if (starts == joining_) {
        problem_ = joining_ ? "a record's last fragment is missing"
                            : "a record's first fragment is missing";
        cursor_ = Cursor({});
        return;
    }
    if (header.fragment == Fragment::whole) {
        cursor_ = Cursor(payload);
        return;
    }
    if (header.fragment == Fragment::first) fragments_.clear();
    if (payload.size() > joined_bytes_max_ - fragments_.size()) {
        problem_ = "a record is longer than " + std::to_string(joined_bytes_max_) + " bytes";
        too_long_ = true;
        return;
    }
    fragments_.append(payload);
    joining_ = header.fragment != Fragment::last;
    cursor_ = Cursor(joining_ ? std::string_view{} : std::string_view(fragments_));
}

StreamReader::Event StreamReader::next() {
    if (!problem_.empty()) return Event::corrupt;
    while (!cursor_.at_end()) {
        Event event = read_record();
        if (event != Event::need_frame) return event;
    }
    return Event::need_frame;
}

// need_frame stands for a record that is no event of its own.
StreamReader::Event StreamReader::read_record() {
    uint8_t byte = cursor_.byte();
    auto tag = static_cast<RecordTag>(byte);
    if (!has_session_ && tag != RecordTag::session)
        return corrupt("the stream does not begin with a session record");
    switch (tag) {
    case RecordTag::session: {
        Source source;
        if (Problem problem = parse_session(cursor_, source)) return corrupt(problem);
        database_ = source.database;
        source_ = source;
        source_.database = database_;
        has_session_ = true;
        return Event::need_frame;
    }
    case RecordTag::relation:
        return describe();
    case RecordTag::begin:
        return begin();
    case RecordTag::commit:
        return commit();
    case RecordTag::context: {
        std::string_view context;
        if (Problem problem = parse_context(cursor_, context)) return corrupt(problem);
        context_ = context;
        return Event::need_frame;
    }
    case RecordTag::insert:
    case RecordTag::update:
    case RecordTag::remove:
    case RecordTag::truncate:
        return read_change(tag);
    }
    return corrupt("unknown record tag " + std::to_string(byte));
}

StreamReader::Event StreamReader::describe() {
    auto known = std::make_unique<KnownRelation>();
    known->arena.allocator = process_allocator();
    if (Problem problem = parse_relation(cursor_, known->arena, known->relation))
        return corrupt(problem);
    known->description_id = ++descriptions_;
    known->before.resize(known->relation.columns.size());
    known->after.resize(known->relation.columns.size());
    uint32_t number = known->relation.number;
    relations_[number] = std::move(known);
    return Event::need_frame;
}

StreamReader::Event StreamReader::begin() {
    if (in_transaction_) return corrupt("a transaction begins inside another");
    if (Problem problem = parse_begin(cursor_, transaction_)) return corrupt(problem);
    in_transaction_ = true;
    context_.clear();
    previous_position_ = {};
    next_sequence_ = 0;
    changes_seen_ = 0;
    return Event::begin;
}

StreamReader::Event StreamReader::commit() {
    Commit said;
    if (Problem problem = parse_commit(cursor_, said)) return corrupt(problem);
    if (!in_transaction_) return corrupt("a commit without a transaction");
    if (said.changes_sent != changes_seen_)
        return corrupt("the commit says " + std::to_string(said.changes_sent) +
                       " changes, received were " + std::to_string(changes_seen_));
    if (said.changes_decoded < next_sequence_)
        return corrupt("the commit counts fewer changes than were sent");
    in_transaction_ = false;
    return Event::commit;
}

StreamReader::Event StreamReader::read_change(RecordTag tag) {
    ChangeHeader header;
    if (Problem problem = parse_change_header(cursor_, tag, header)) return corrupt(problem);
    if (!in_transaction_) return corrupt("a change without a transaction");
    auto found = relations_.find(header.relation);
    if (found == relations_.end()) return corrupt("a change of a relation that was not described");
    KnownRelation &known = *found->second;
    if (Problem problem =
            parse_change_rows(cursor_, tag, header, known.relation, known.before, known.after))
        return corrupt(problem);

    change_.operation = static_cast<Operation>(tag);
    change_.relation = &known.relation;
    change_.position = {previous_position_.value + static_cast<uint64_t>(header.position_distance)};
    change_.sequence = next_sequence_ + header.skipped;
    change_.old_row = header.old_row;
    change_.cascade = header.cascade;
    change_.restart_identity = header.restart_identity;
    change_.unreadable = header.unreadable;
    change_.before = known.before;
    change_.after = known.after;
    description_id_ = known.description_id;
    previous_position_ = change_.position;
    next_sequence_ = change_.sequence + 1;
    changes_seen_++;
    return Event::change;
}

StreamReader::Event StreamReader::corrupt(std::string problem) {
    problem_ = std::move(problem);
    cursor_ = Cursor({});
    return Event::corrupt;
}

void StreamReader::abandon_transaction() {
    cursor_ = Cursor({});
    fragments_.clear();
    joining_ = false;
    in_transaction_ = false;
    context_.clear();
    problem_.clear();
    too_long_ = false;
}

void StreamReader::reset() {
    abandon_transaction();
    has_session_ = false;
    relations_.clear();
}

void StreamReader::write_self_contained(FrameSink sink) const {
    FrameWriter out;
    out.payload.allocator = process_allocator();
    static thread_local Timestamp decoded_at;
    decoded_at = decoded_at_;
    out.clock = [] { return decoded_at; };
    out.sink = sink;
    out.open_session();
    out.mark_self_contained();
    encode_session(out, source_);
    encode_relation(out, *change_.relation);
    encode_begin(out, transaction_);
    if (!context_.empty()) encode_context(out, context_);
    encode_change(out, change_, {}, change_.sequence,
                  [this](FrameWriter &to, size_t column, bool is_new) {
                      const Value &value = is_new ? change_.after[column] : change_.before[column];
                      const Column &of = change_.relation->columns[column];
                      encode_value(to.payload, type_of(value, of.type), value.bytes);
                  });
    encode_commit(out, 1, change_.sequence + 1);
    out.flush();
    out.payload.release();
}

} // namespace waltrail::wire

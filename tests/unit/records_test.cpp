// Encoder and parsers as a pair: what goes in comes out.
#include "wire/records.hpp"

#include "tests/unit/random_change.hpp"
#include "wire/encoder.hpp"

#include <gtest/gtest.h>

#include <set>

namespace waltrail::wire {
namespace {

void expect_same_type(const Type &read, const Type &written) {
    ASSERT_EQ(read.kind, written.kind);
    EXPECT_EQ(read.oid, written.oid);
    if (written.kind == Kind::array) {
        EXPECT_EQ(read.delimiter, written.delimiter);
        expect_same_type(*read.element, *written.element);
    }
    ASSERT_EQ(read.fields.size(), written.fields.size());
    for (size_t i = 0; i < read.fields.size(); i++) {
        EXPECT_EQ(read.fields[i].name, written.fields[i].name);
        EXPECT_EQ(read.fields[i].json_name, written.fields[i].json_name);
        expect_same_type(read.fields[i].type, written.fields[i].type);
    }
}

void expect_same_relation(const Relation &read, const Relation &written) {
    EXPECT_EQ(read.number, written.number);
    EXPECT_EQ(read.oid, written.oid);
    EXPECT_EQ(read.schema, written.schema);
    EXPECT_EQ(read.table, written.table);
    EXPECT_EQ(read.root_schema, written.root_schema);
    EXPECT_EQ(read.root_table, written.root_table);
    EXPECT_EQ(read.replica_identity, written.replica_identity);
    ASSERT_EQ(read.columns.size(), written.columns.size());
    for (size_t i = 0; i < read.columns.size(); i++) {
        EXPECT_EQ(read.columns[i].name, written.columns[i].name);
        EXPECT_EQ(read.columns[i].json_name, written.columns[i].json_name);
        EXPECT_EQ(read.columns[i].type_name, written.columns[i].type_name);
        EXPECT_EQ(read.columns[i].in_identity, written.columns[i].in_identity);
        EXPECT_EQ(read.columns[i].generated, written.columns[i].generated);
        EXPECT_EQ(read.columns[i].masked, written.columns[i].masked);
        expect_same_type(read.columns[i].type, written.columns[i].type);
    }
    EXPECT_EQ(std::vector<uint16_t>(read.key.begin(), read.key.end()),
              std::vector<uint16_t>(written.key.begin(), written.key.end()));
}

// The content of the one record that has been written, its tag taken off.
std::string_view content(const FrameRecorder &recorder) {
    return recorder.out.payload.view_from(1);
}

// Every combination of operation, old row, nulls, absent, unchanged and unreadable columns that the format has.
std::vector<ChangeShape> every_shape() {
    std::vector<ChangeShape> shapes;
    auto add = [&](Operation operation, OldRow old_row) {
        for (unsigned bits = 0; bits < 16; bits++)
            shapes.push_back({operation, old_row, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                              (bits & 8) != 0});
    };
    add(Operation::insert, OldRow::none);
    for (OldRow old_row : {OldRow::none, OldRow::identity, OldRow::whole}) {
        add(Operation::update, old_row);
        add(Operation::remove, old_row);
    }
    add(Operation::truncate, OldRow::none);
    return shapes;
}

TEST(Records, session_begin_commit_and_context_come_back) {
    FrameRecorder session;
    encode_session(session.out, test_source());
    Cursor in(content(session));
    Source source;
    ASSERT_EQ(parse_session(in, source), nullptr);
    EXPECT_TRUE(in.at_end());
    EXPECT_EQ(source.system_identifier, test_source().system_identifier);
    EXPECT_EQ(source.database_oid, test_source().database_oid);
    EXPECT_EQ(source.database, test_source().database);
    EXPECT_EQ(source.server_version, test_source().server_version);

    FrameRecorder begin;
    encode_begin(begin.out, test_transaction());
    in = Cursor(content(begin));
    Transaction transaction;
    ASSERT_EQ(parse_begin(in, transaction), nullptr);
    EXPECT_TRUE(in.at_end());
    EXPECT_EQ(transaction.xid, test_transaction().xid);
    EXPECT_EQ(transaction.commit_lsn, test_transaction().commit_lsn);
    EXPECT_EQ(transaction.end_lsn, test_transaction().end_lsn);
    EXPECT_EQ(transaction.committed_at, test_transaction().committed_at);

    FrameRecorder commit;
    encode_commit(commit.out, 3, ~uint64_t{0});
    in = Cursor(content(commit));
    Commit counts;
    ASSERT_EQ(parse_commit(in, counts), nullptr);
    EXPECT_EQ(counts.changes_sent, 3u);
    EXPECT_EQ(counts.changes_decoded, ~uint64_t{0});

    FrameRecorder context;
    encode_context(context.out, R"({"user":1})");
    in = Cursor(content(context));
    std::string_view text;
    ASSERT_EQ(parse_context(in, text), nullptr);
    EXPECT_EQ(text, R"({"user":1})");
}

// Each column once, the shorter name first.
void expect_order_of_jsonb(const Relation &relation) {
    ASSERT_EQ(relation.jsonb_order.size(), relation.columns.size());
    std::set<uint16_t> seen(relation.jsonb_order.begin(), relation.jsonb_order.end());
    EXPECT_EQ(seen.size(), relation.columns.size());
    for (size_t i = 1; i < relation.jsonb_order.size(); i++) {
        std::string_view left = relation.columns[relation.jsonb_order[i - 1]].name;
        std::string_view right = relation.columns[relation.jsonb_order[i]].name;
        EXPECT_TRUE(left.size() < right.size() || (left.size() == right.size() && left <= right));
    }
}

TEST(Records, random_relations_come_back) {
    uint64_t seed = test_seed();
    SCOPED_TRACE("WALTRAIL_TEST_SEED=" + std::to_string(seed));
    RandomChanges random(seed);
    for (int i = 0; i < 300; i++) {
        Relation written = random.relation(static_cast<uint32_t>(random.number()));
        FrameRecorder recorder;
        recorder.out.spill_bytes = SIZE_MAX;
        recorder.out.begin_record(
            RecordTag::context); // keeps the frame open, however long the description is
        size_t start = recorder.out.payload.size;
        encode_relation(recorder.out, written);
        std::string bytes = recorder.frames.empty()
                                ? std::string(recorder.out.payload.view_from(start))
                                : recorder.frames[0].substr(frame_header_bytes + start);
        OwnedArena arena;
        Cursor in(std::string_view(bytes).substr(1));
        Relation read;
        ASSERT_STREQ(parse_relation(in, arena, read), nullptr);
        EXPECT_TRUE(in.at_end());
        expect_same_relation(read, written);
        expect_order_of_jsonb(read);
        if (HasFailure()) return;
    }
}

TEST(Records, every_combination_of_a_change_comes_back) {
    uint64_t seed = test_seed();
    SCOPED_TRACE("WALTRAIL_TEST_SEED=" + std::to_string(seed));
    RandomChanges random(seed);
    for (uint32_t number = 0; number < 25; number++) {
        Relation relation = random.relation(number);
        FrameRecorder recorder;
        recorder.out.open_session();
        encode_session(recorder.out, test_source());
        encode_relation(recorder.out, relation);
        encode_begin(recorder.out, test_transaction());
        std::vector<RecordedChange> written;
        Lsn previous;
        uint64_t sequence = 0;
        for (const ChangeShape &shape : every_shape())
            for (bool skip : {false, true}) {
                Change change = random.change(relation, shape);
                uint64_t skipped = skip ? 1 + random.below(1000) : 0;
                change.sequence = sequence + skipped;
                change.position = {random.number()};
                write_change(recorder.out, change, previous, skipped);
                written.push_back(recorded(change));
                previous = change.position;
                sequence = change.sequence + 1;
            }
        encode_commit(recorder.out, written.size(), sequence + 5);
        recorder.out.flush();

        StreamReader reader;
        Reading reading = read_frames(reader, recorder.bytes());
        ASSERT_EQ(reading.problem, "");
        ASSERT_EQ(reading.commits, 1u);
        ASSERT_EQ(reading.changes.size(), written.size());
        for (size_t i = 0; i < written.size(); i++)
            ASSERT_EQ(reading.changes[i], written[i]) << "change " << i;
    }
}

// A payload holds whole records, so here a cut contradicts the format; none may be read as something else.
TEST(Records, a_change_cut_at_any_byte_is_refused) {
    uint64_t seed = test_seed();
    SCOPED_TRACE("WALTRAIL_TEST_SEED=" + std::to_string(seed));
    RandomChanges random(seed);
    Relation relation = random.relation(1);
    while (relation.columns.empty()) relation = random.relation(1);
    std::vector<Value> before(relation.columns.size()), after(relation.columns.size());
    for (const ChangeShape &shape : every_shape()) {
        FrameRecorder recorder;
        recorder.out.spill_bytes = SIZE_MAX;
        write_change(recorder.out, random.change(relation, shape), {}, 3);
        recorder.out.flush();
        std::string bytes = recorder.frames.at(0).substr(frame_header_bytes + 1);
        auto tag = static_cast<RecordTag>(shape.operation);
        auto problem = [&](std::string_view cut) -> Problem {
            Cursor in(cut);
            ChangeHeader header;
            if (Problem problem = parse_change_header(in, tag, header)) return problem;
            return parse_change_rows(in, tag, header, relation, before, after);
        };
        ASSERT_STREQ(problem(bytes), nullptr);
        size_t step = 1 + bytes.size() / 2000;
        for (size_t length = 0; length < bytes.size(); length += step) {
            std::string cut =
                bytes.substr(0, length); // a block of its own, so that a read past it is seen
            ASSERT_NE(problem(cut), nullptr) << length << " of " << bytes.size();
        }
    }
}

TEST(Records, refuses_flags_that_contradict_the_operation) {
    auto problem = [](RecordTag tag, int flags) {
        std::string bytes = {static_cast<char>(flags), 1, 0};
        Cursor in(bytes);
        ChangeHeader header;
        Problem problem = parse_change_header(in, tag, header);
        return std::string(problem == nullptr ? "" : problem);
    };
    EXPECT_EQ(problem(RecordTag::update, 0x30), "unknown kind of old row");
    EXPECT_EQ(problem(RecordTag::insert, 0x10), "old row where the operation has none");
    EXPECT_EQ(problem(RecordTag::insert, 0x02), "old row where the operation has none");
    EXPECT_EQ(problem(RecordTag::truncate, 0x20), "old row where the operation has none");
    EXPECT_EQ(problem(RecordTag::remove, 0x14), "new row where the operation has none");
    EXPECT_EQ(problem(RecordTag::remove, 0x18), "new row where the operation has none");
    EXPECT_EQ(problem(RecordTag::truncate, 0x04), "new row where the operation has none");
    EXPECT_EQ(problem(RecordTag::update, 0x80), "flag of TRUNCATE on another operation");
    EXPECT_EQ(problem(RecordTag::remove, 0x40), "unreadable values where there is no row");
    EXPECT_EQ(problem(RecordTag::insert, 0x80), "flag of TRUNCATE on another operation");
    EXPECT_EQ(problem(RecordTag::update, 0x02), "null bitmap of an old row that is not there");
    EXPECT_EQ(problem(RecordTag::update, 0x28), "absent columns beside a whole old row");
    EXPECT_EQ(problem(RecordTag::update, 0x1E), "");
    EXPECT_EQ(problem(RecordTag::update, 0x40), "");
    EXPECT_EQ(problem(RecordTag::remove, 0x60), "");
    EXPECT_EQ(problem(RecordTag::truncate, 0xC0), "");
}

std::string relation_problem(std::string_view bytes) {
    OwnedArena arena;
    Cursor in(bytes);
    Relation relation;
    Problem problem = parse_relation(in, arena, relation);
    return problem == nullptr ? "" : problem;
}

TEST(Records, refuses_descriptions_that_contradict_themselves) {
    std::string head = "\1\2\1s\1t\1s\1td"_bytes;
    std::string column = "\1c\1t\0\2\0"_bytes;
    EXPECT_EQ(relation_problem(head + "\1" + column + "\1\0"_bytes), "");
    EXPECT_EQ(relation_problem("\1\2\1s\1t\1s\1tx\0\0"_bytes), "unknown replica identity");
    EXPECT_EQ(relation_problem(head + varint(2000) + std::string(20'000, '\0')),
              "relation with too many columns");
    EXPECT_EQ(relation_problem(head + varint(1000) + column), "relation with too many columns");
    EXPECT_EQ(relation_problem(head + "\1\1c\1t\10\2\0\0"_bytes), "unknown column flag");
    EXPECT_EQ(relation_problem(head + "\1\1c\1t\0\x13\0\0"_bytes), "unknown kind of value");
    EXPECT_EQ(relation_problem(head + "\1" + column + "\1\1"),
              "key column that the relation does not have");
    EXPECT_EQ(relation_problem(head + "\1" + column + "\2"),
              "key of a relation with more columns than the relation");
    EXPECT_EQ(relation_problem(head + "\1\1c\1t\0\x12\0\x7F\0"_bytes),
              "composite type with too many fields");
    std::string nested;
    for (int i = 0; i < 70; i++) nested += "\x11\0,"_bytes;
    EXPECT_EQ(relation_problem(head + "\1\1c\1t\0"_bytes + nested + "\2\0\0"_bytes),
              "type nested too deeply");
}

std::string value_problem(const Type &type, std::string_view bytes) {
    Cursor in(bytes);
    std::string_view value;
    Problem problem = parse_value(in, type, value);
    return problem == nullptr ? "" : problem;
}

TEST(Records, refuses_arrays_and_composites_that_contradict_themselves) {
    Type int4 = scalar(Kind::int4), ints = array_type(int4);
    auto body = [&](const std::string &bytes) {
        return value_problem(ints, fixed(uint32_t(bytes.size())) + bytes);
    };
    EXPECT_EQ(body("\1\2\2\0\2\4"_bytes), "");
    EXPECT_EQ(body("\1\2\2\0\2\4\6"_bytes), "array of another length than it says");
    EXPECT_EQ(body("\1\2\2\0\2"_bytes), "record ends before its content does");
    EXPECT_EQ(body("\7"), "array with too many dimensions");
    EXPECT_EQ(body("\1" + varint(uint64_t{1} << 40) + "\2\0"_bytes),
              "array with too many elements");
    std::string large = varint(1 << 20) + "\2";
    EXPECT_EQ(body("\2" + large + large + "\0"_bytes), "array with too many elements");
    EXPECT_EQ(body("\1\1" + zigzag(int64_t{1} << 40) + "\0\2"_bytes), "array bound out of range");
    EXPECT_EQ(value_problem(ints, "\xFF\xFF\xFF\xFF\1"), "record ends before its content does");

    Field fields[1] = {{"a", "\"a\":", int4}};
    Type pair = composite_type(fields);
    EXPECT_EQ(value_problem(pair, "\2\0\0\0\0\2"_bytes), "");
    EXPECT_EQ(value_problem(pair, "\3\0\0\0\0\2\2"_bytes),
              "composite value of another length than it says");
    EXPECT_EQ(value_problem(pair, "\1\0\0\0\0"_bytes), "record ends before its content does");
}

TEST(Records, refuses_dates_and_zones_that_no_server_holds) {
    EXPECT_EQ(value_problem(scalar(Kind::date), zigzag(2'147'483'647)), "");
    EXPECT_EQ(value_problem(scalar(Kind::date), zigzag(-2'147'483'648)), "");
    EXPECT_EQ(value_problem(scalar(Kind::date), zigzag(2'147'483'648)), "date out of range");
    EXPECT_EQ(value_problem(scalar(Kind::timetz), zigzag(0) + zigzag(-2'147'483'649)),
              "time zone out of range");
}

} // namespace
} // namespace waltrail::wire

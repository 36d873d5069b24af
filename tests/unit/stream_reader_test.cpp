#include "wire/stream_reader.hpp"

#include "tests/unit/random_change.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace waltrail::wire {
namespace {

struct TwoColumns {
    OwnedArena arena;
    std::vector<Column> columns{column("id", scalar(Kind::int8, 20), arena),
                                column("body", scalar(Kind::text, 25), arena)};
    std::vector<uint16_t> key{0};
    Relation relation;

    TwoColumns() {
        columns[0].in_identity = true;
        relation.number = 1;
        relation.oid = 16'400;
        relation.schema = relation.root_schema = "public";
        relation.table = relation.root_table = "notes";
        relation.columns = columns;
        relation.key = key;
    }
};

class StreamReaderTest : public testing::Test {
  protected:
    TwoColumns table;
    FrameRecorder recorder;
    StreamReader reader;
    std::string id = zigzag(42);

    void open() {
        recorder.out.open_session();
        encode_session(recorder.out, test_source());
        encode_relation(recorder.out, table.relation);
    }
    void begin() { encode_begin(recorder.out, test_transaction()); }
    void insert(std::string_view body) {
        std::vector<Value> after{present(id), present(body)};
        Change change;
        change.relation = &table.relation;
        change.after = after;
        write_change(recorder.out, change);
    }
    void commit(uint64_t sent, uint64_t decoded) {
        encode_commit(recorder.out, sent, decoded);
        recorder.out.flush();
    }
    Reading read() { return read_frames(reader, recorder.bytes()); }
    // Payload bytes that no encoder would write, behind what has been written.
    std::string problem_of(std::string_view payload) {
        recorder.out.flush();
        Reading reading = read();
        EXPECT_EQ(reading.problem, "");
        reader.load({}, payload);
        return read_events(reader).problem;
    }
};

TEST_F(StreamReaderTest, yields_begin_changes_and_commit_in_order) {
    open();
    begin();
    insert("a");
    commit(1, 4);
    ParsedFrame frame = recorder.frame(0);
    reader.load(frame.header, frame.payload);
    EXPECT_FALSE(reader.in_transaction());
    ASSERT_EQ(reader.next(), StreamReader::Event::begin);
    EXPECT_TRUE(reader.in_transaction());
    EXPECT_EQ(reader.source().database, "shop");
    EXPECT_EQ(reader.transaction().end_lsn, test_transaction().end_lsn);
    ASSERT_EQ(reader.next(), StreamReader::Event::change);
    EXPECT_EQ(reader.change().relation->table, "notes");
    EXPECT_EQ(reader.decoded_at(), frame.header.decoded_at);
    ASSERT_EQ(reader.next(), StreamReader::Event::commit);
    EXPECT_FALSE(reader.in_transaction());
    EXPECT_EQ(reader.next(), StreamReader::Event::need_frame);
}

TEST_F(StreamReaderTest, context_holds_until_the_next_and_ends_with_the_transaction) {
    open();
    begin();
    insert("a");
    encode_context(recorder.out, R"({"n":1})");
    insert("b");
    insert("c");
    encode_context(recorder.out, R"({"n":2})");
    insert("d");
    encode_context(recorder.out, "");
    insert("e");
    encode_context(recorder.out, R"({"n":3})");
    commit(5, 5);
    begin();
    insert("f");
    commit(1, 1);
    Reading reading = read();
    ASSERT_EQ(reading.problem, "");
    std::vector<std::string> contexts;
    for (const RecordedChange &change : reading.changes) contexts.push_back(change.context);
    EXPECT_EQ(contexts,
              (std::vector<std::string>{"", R"({"n":1})", R"({"n":1})", R"({"n":2})", "", ""}));
}

TEST_F(StreamReaderTest, sequence_counts_what_was_skipped_and_starts_anew) {
    open();
    std::vector<Value> after{present(id), null_value()};
    Change change;
    change.relation = &table.relation;
    change.after = after;
    for (int i = 0; i < 2; i++) {
        begin();
        change.position = {1000};
        write_change(recorder.out, change, {}, 7);
        change.position = {900}; // positions may go back: subtransactions are decoded at commit
        write_change(recorder.out, change, {1000}, 0);
        write_change(recorder.out, change, {900}, 2);
        commit(3, 20);
    }
    Reading reading = read();
    ASSERT_EQ(reading.problem, "");
    std::vector<uint64_t> sequences, positions;
    for (const RecordedChange &read : reading.changes) {
        sequences.push_back(read.sequence);
        positions.push_back(read.position.value);
    }
    EXPECT_EQ(sequences, (std::vector<uint64_t>{7, 8, 11, 7, 8, 11}));
    EXPECT_EQ(positions, (std::vector<uint64_t>{1000, 900, 900, 1000, 900, 900}));
}

TEST_F(StreamReaderTest, a_later_description_replaces_the_earlier) {
    open();
    begin();
    insert("a");
    table.relation.table = "renamed";
    encode_relation(recorder.out, table.relation);
    insert("b");
    commit(2, 2);
    ParsedFrame frame = recorder.frame(0);
    reader.load(frame.header, frame.payload);
    ASSERT_EQ(reader.next(), StreamReader::Event::begin);
    ASSERT_EQ(reader.next(), StreamReader::Event::change);
    EXPECT_EQ(reader.change().relation->table, "notes");
    uint64_t first = reader.description_id();
    ASSERT_EQ(reader.next(), StreamReader::Event::change);
    EXPECT_EQ(reader.change().relation->table, "renamed");
    EXPECT_NE(reader.description_id(), first);
}

TEST_F(StreamReaderTest, an_opening_frame_voids_descriptions_and_the_transaction_under_way) {
    open();
    begin();
    insert("a");
    recorder.out.flush();
    recorder.out.open_session();
    encode_session(recorder.out, test_source());
    begin();
    recorder.out.flush();
    Reading reading = read();
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.xids.size(), 2u);

    insert("b");
    recorder.out.flush();
    ParsedFrame frame = recorder.frame(2);
    reader.load(frame.header, frame.payload);
    EXPECT_EQ(read_events(reader).problem, "a change of a relation that was not described");
}

TEST_F(StreamReaderTest, an_opening_frame_mends_a_corrupt_stream) {
    open();
    begin();
    insert("a");
    commit(1, 1);
    std::string bytes = recorder.bytes();
    reader.load({}, "\x7F");
    EXPECT_EQ(reader.next(), StreamReader::Event::corrupt);
    EXPECT_EQ(reader.next(), StreamReader::Event::corrupt) << "until it is reset";
    Reading reading = read_frames(reader, bytes);
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.changes.size(), 1u);
}

TEST_F(StreamReaderTest, refuses_records_out_of_place) {
    EXPECT_EQ(problem_of("\3"), "the stream does not begin with a session record");
    reader.reset();
    open();
    begin();
    EXPECT_EQ(problem_of("\x7F"), "unknown record tag 127");
    EXPECT_EQ(problem_of("\3\1\1\1\0\0\0\0\0\0\0\0"_bytes), "a transaction begins inside another");
    EXPECT_EQ(problem_of("\x13\0\2\0"_bytes), "a change of a relation that was not described");
    EXPECT_EQ(problem_of("\3"), "a transaction begins inside another");
    EXPECT_EQ(problem_of("\5\4abc"), "record ends before its content does");
    commit(0, 0);
    EXPECT_EQ(problem_of("\4\0\0"_bytes), "a commit without a transaction");
    EXPECT_EQ(problem_of("\x13\0\1\0"_bytes), "a change without a transaction");
}

TEST_F(StreamReaderTest, a_commit_that_counts_otherwise_is_corrupt) {
    open();
    begin();
    insert("a");
    insert("b");
    commit(3, 3);
    EXPECT_EQ(read().problem, "the commit says 3 changes, received were 2");
}

TEST_F(StreamReaderTest, a_commit_that_decoded_fewer_than_it_sent_is_corrupt) {
    open();
    begin();
    insert("a");
    insert("b");
    commit(2, 1);
    EXPECT_EQ(read().problem, "the commit counts fewer changes than were sent");
}

TEST_F(StreamReaderTest, a_lost_frame_is_noticed_at_commit) {
    open();
    begin();
    recorder.out.flush();
    insert("a");
    recorder.out.flush();
    insert("b");
    recorder.out.flush();
    commit(2, 2);
    recorder.frames.erase(recorder.frames.begin() + 2);
    EXPECT_EQ(read().problem, "the commit says 2 changes, received were 1");
}

TEST_F(StreamReaderTest, every_missing_fragment_is_noticed) {
    open();
    begin();
    insert(std::string(4 << 20, 'x'));
    commit(1, 1);
    ASSERT_EQ(recorder.frames.size(), 7u);
    for (size_t lost = 1; lost < 6; lost++) {
        FrameRecorder copy;
        copy.frames = recorder.frames;
        copy.frames.erase(copy.frames.begin() + static_cast<ptrdiff_t>(lost));
        StreamReader fresh;
        std::string problem = read_frames(fresh, copy.bytes()).problem;
        const char *expected = lost == 1   ? "a record's first fragment is missing"
                               : lost == 5 ? "a record's last fragment is missing"
                                           : "record ends before its content does";
        EXPECT_EQ(problem, expected) << "without frame " << lost;
    }
}

TEST_F(StreamReaderTest, a_fragment_waits_for_the_next_frame) {
    open();
    begin();
    insert(std::string(4 << 20, 'x'));
    commit(1, 1);
    for (size_t i = 0; i < 5; i++) {
        ParsedFrame frame = recorder.frame(i);
        reader.load(frame.header, frame.payload);
        if (i == 0) {
            EXPECT_EQ(reader.next(), StreamReader::Event::begin);
        }
        EXPECT_EQ(reader.next(), StreamReader::Event::need_frame);
    }
    ParsedFrame frame = recorder.frame(5);
    reader.load(frame.header, frame.payload);
    EXPECT_EQ(reader.next(), StreamReader::Event::change);
}

TEST_F(StreamReaderTest, a_session_that_opens_in_the_middle_of_fragments_is_read) {
    open();
    begin();
    insert(std::string(4 << 20, 'x'));
    recorder.frames.resize(3);
    recorder.out.reset();
    open();
    begin();
    insert("a");
    commit(1, 1);
    Reading reading = read();
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.changes.size(), 1u);
}

TEST_F(StreamReaderTest, frames_are_found_again_in_a_file_with_other_bytes_between) {
    open();
    recorder.out.flush();
    for (int i = 0; i < 20; i++) {
        begin();
        insert(std::string(static_cast<size_t>(i * i), '\xD7'));
        commit(1, 1);
    }
    std::string file = "pg_recvlogical: starting\n";
    for (size_t i = 0; i < recorder.frames.size(); i++)
        file += recorder.frames[i] + (i % 3 == 0 ? "\n" : i % 3 == 1 ? "\xD7WA" : "");
    Reading reading;
    for (size_t at = find_frame_magic(file, 0); at < file.size();) {
        ParsedFrame frame = parse_frame(std::string_view(file).substr(at));
        if (frame.status == FrameStatus::ok) {
            reader.load(frame.header, frame.payload);
            reading = read_events(reader, std::move(reading));
        }
        at = find_frame_magic(file, at + (frame.status == FrameStatus::ok ? frame.bytes : 1));
    }
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.commits, 20u);
}

} // namespace
} // namespace waltrail::wire

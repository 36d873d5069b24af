// What a FrameWriter sends, and when.
#include "wire/encoder.hpp"

#include "tests/unit/encoded_value.hpp"
#include "tests/unit/frame_recorder.hpp"

#include <gtest/gtest.h>

namespace waltrail::wire {
namespace {

struct TextTable {
    OwnedArena arena;
    std::vector<Column> columns;
    Relation relation;

    explicit TextTable(size_t count = 1) {
        for (size_t i = 0; i < count; i++)
            columns.push_back(
                column(arena.copy("c" + std::to_string(i)), scalar(Kind::text, 25), arena));
        relation.number = 1;
        relation.oid = 16'400;
        relation.schema = relation.root_schema = "public";
        relation.table = relation.root_table = "notes";
        relation.columns = columns;
    }
};

void write_insert(FrameWriter &out, const TextTable &table, const std::vector<std::string> &texts) {
    std::vector<Value> after;
    for (const std::string &text : texts) after.push_back(present(text));
    Change change;
    change.relation = &table.relation;
    change.after = after;
    write_change(out, change);
}

void open(FrameRecorder &recorder, const TextTable &table) {
    recorder.out.open_session();
    encode_session(recorder.out, test_source());
    encode_relation(recorder.out, table.relation);
}

TEST(FrameWriter, collects_a_transaction_in_one_frame_until_flushed) {
    TextTable table;
    FrameRecorder recorder;
    open(recorder, table);
    encode_begin(recorder.out, test_transaction());
    write_insert(recorder.out, table, {"a"});
    encode_commit(recorder.out, 1, 1);
    EXPECT_TRUE(recorder.frames.empty());
    recorder.out.flush();
    ASSERT_EQ(recorder.frames.size(), 1u);
    FrameHeader header = recorder.frame(0).header;
    EXPECT_TRUE(header.opens && header.begins && header.commits && header.describes);
    EXPECT_FALSE(header.self_contained);
    EXPECT_EQ(header.decoded_at, Timestamp{1}) << "the time of the first record";

    recorder.out.flush();
    EXPECT_EQ(recorder.frames.size(), 1u) << "nothing to send";
}

TEST(FrameWriter, one_frame_a_transaction_with_flags_of_its_own) {
    TextTable table;
    FrameRecorder recorder;
    open(recorder, table);
    for (int i = 0; i < 3; i++) {
        encode_begin(recorder.out, test_transaction());
        write_insert(recorder.out, table, {"a"});
        encode_commit(recorder.out, 1, 1);
        recorder.out.flush();
    }
    ASSERT_EQ(recorder.frames.size(), 3u);
    for (size_t i = 0; i < 3; i++) {
        FrameHeader header = recorder.frame(i).header;
        EXPECT_TRUE(header.begins && header.commits);
        EXPECT_EQ(header.opens, i == 0);
        EXPECT_EQ(header.describes, i == 0);
    }
}

TEST(FrameWriter, sends_as_soon_as_64_KiB_are_full) {
    TextTable table;
    FrameRecorder recorder;
    open(recorder, table);
    encode_begin(recorder.out, test_transaction());
    constexpr size_t changes = 5000;
    for (size_t i = 0; i < changes; i++) write_insert(recorder.out, table, {std::string(95, 'x')});
    encode_commit(recorder.out, changes, changes);
    recorder.out.flush();
    ASSERT_EQ(recorder.frames.size(), 1 + changes * 100 / frame_target_bytes);
    for (size_t i = 0; i < recorder.frames.size(); i++) {
        ParsedFrame frame = recorder.frame(i);
        bool last = i + 1 == recorder.frames.size();
        EXPECT_EQ(frame.payload.size() >= frame_target_bytes, !last);
        EXPECT_LT(frame.payload.size(), frame_target_bytes + 100);
        EXPECT_EQ(frame.header.commits, last);
        EXPECT_EQ(frame.header.begins, i == 0);
        EXPECT_EQ(frame.header.fragment, Fragment::whole);
    }
    StreamReader reader;
    Reading reading = read_frames(reader, recorder.bytes());
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.changes.size(), changes);
}

TEST(FrameWriter, a_record_of_just_64_KiB_is_sent_at_its_end) {
    TextTable table;
    FrameRecorder recorder;
    size_t overhead = 0;
    {
        FrameRecorder measured;
        write_insert(measured.out, table, {std::string(60'000, 'x')});
        overhead = measured.out.payload.size - 60'000;
    }
    write_insert(recorder.out, table, {std::string(frame_target_bytes - overhead - 1, 'x')});
    EXPECT_EQ(recorder.frames.size(), 0u);
    recorder.out.flush();
    write_insert(recorder.out, table, {std::string(frame_target_bytes - overhead, 'x')});
    ASSERT_EQ(recorder.frames.size(), 2u);
    EXPECT_EQ(recorder.frame(1).payload.size(), frame_target_bytes);
}

// Values that bring the record just below, to and just above each limit.
TEST(FrameWriter, only_records_longer_than_1_MiB_travel_in_fragments) {
    TextTable table;
    constexpr size_t overhead = 4 + 3; // tag, flags, relation, position; length of the text
    for (size_t record : {fragment_bytes - 1, fragment_bytes, fragment_bytes + 1,
                          2 * fragment_bytes - 1, 2 * fragment_bytes, 2 * fragment_bytes + 1}) {
        for (bool something_before : {false, true}) {
            FrameRecorder recorder;
            open(recorder, table);
            encode_begin(recorder.out, test_transaction());
            if (!something_before) recorder.out.flush();
            size_t before = recorder.frames.size();
            write_insert(recorder.out, table, {std::string(record - overhead, 'x')});
            recorder.out.flush();
            encode_commit(recorder.out, 1, 1);
            recorder.out.flush();

            SCOPED_TRACE("record of " + std::to_string(record) + " bytes, " +
                         std::to_string(something_before));
            std::vector<ParsedFrame> frames;
            size_t total = 0;
            for (size_t i = before; i + 1 < recorder.frames.size(); i++) {
                frames.push_back(recorder.frame(i));
                ASSERT_EQ(frames.back().status, FrameStatus::ok);
                EXPECT_LE(frames.back().payload.size(), fragment_bytes + 100);
                EXPECT_GT(frames.back().payload.size(), 0u);
                EXPECT_NE(frames.back().header.decoded_at, Timestamp{}) << "frame " << i;
                if (frames.back().header.fragment != Fragment::whole)
                    total += frames.back().payload.size();
            }
            if (record > fragment_bytes) {
                size_t first = something_before ? 1 : 0;
                ASSERT_EQ(frames.size(), first + (record + fragment_bytes - 1) / fragment_bytes);
                EXPECT_EQ(total, record);
                for (size_t i = first; i < frames.size(); i++) {
                    Fragment expected = i == first               ? Fragment::first
                                        : i + 1 == frames.size() ? Fragment::last
                                                                 : Fragment::middle;
                    EXPECT_EQ(frames[i].header.fragment, expected);
                    EXPECT_EQ(frames[i].header.decoded_at, frames[first].header.decoded_at);
                }
            } else
                EXPECT_EQ(total, 0u);

            StreamReader reader;
            Reading reading = read_frames(reader, recorder.bytes());
            EXPECT_EQ(reading.problem, "");
            ASSERT_EQ(reading.changes.size(), 1u);
            EXPECT_EQ(reading.changes[0].after[0].bytes.size(), record - overhead);
        }
    }
}

TEST(FrameWriter, whole_records_leave_before_a_long_one_with_their_flags) {
    TextTable table;
    FrameRecorder recorder;
    open(recorder, table);
    encode_begin(recorder.out, test_transaction());
    write_insert(recorder.out, table, {std::string(3 << 20, 'x')});
    encode_commit(recorder.out, 1, 1);
    recorder.out.flush();
    ASSERT_EQ(recorder.frames.size(), 6u);
    FrameHeader before = recorder.frame(0).header;
    EXPECT_EQ(before.fragment, Fragment::whole);
    EXPECT_TRUE(before.opens && before.begins && before.describes && !before.commits);
    EXPECT_EQ(before.decoded_at, Timestamp{1});
    for (size_t i = 1; i < 5; i++) {
        FrameHeader header = recorder.frame(i).header;
        EXPECT_FALSE(header.opens || header.begins || header.describes || header.commits) << i;
    }
    EXPECT_TRUE(recorder.frame(5).header.commits);
}

TEST(FrameWriter, a_long_description_travels_in_fragments_and_says_so_on_the_first) {
    TextTable table(1600);
    std::string type_name(1000, 't');
    for (Column &column : table.columns) column.type_name = type_name;
    FrameRecorder recorder;
    open(recorder, table);
    encode_begin(recorder.out, test_transaction());
    encode_commit(recorder.out, 0, 0);
    recorder.out.flush();
    std::vector<size_t> describing;
    for (size_t i = 0; i < recorder.frames.size(); i++) {
        EXPECT_LE(recorder.frame(i).payload.size(), fragment_bytes);
        if (recorder.frame(i).header.describes) describing.push_back(i);
    }
    ASSERT_EQ(recorder.frames.size(), 4u);
    EXPECT_EQ(describing, std::vector<size_t>{1});
    EXPECT_EQ(recorder.frame(1).header.fragment, Fragment::first);
    EXPECT_TRUE(recorder.frame(0).header.opens);
    EXPECT_FALSE(recorder.frame(1).header.opens);
    StreamReader reader;
    EXPECT_EQ(read_frames(reader, recorder.bytes()).problem, "");
}

TEST(FrameWriter, what_is_reset_was_never_there) {
    TextTable table;
    FrameRecorder recorder;
    open(recorder, table);
    recorder.out.flush();
    encode_begin(recorder.out, test_transaction());
    recorder.out.begin_record(RecordTag::insert);
    recorder.out.append_long("half a record");
    recorder.out.reset();
    encode_begin(recorder.out, test_transaction());
    write_insert(recorder.out, table, {"a"});
    encode_commit(recorder.out, 1, 1);
    recorder.out.flush();
    StreamReader reader;
    Reading reading = read_frames(reader, recorder.bytes());
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.changes.size(), 1u);
}

TEST(FrameWriter, a_reset_in_the_middle_of_fragments_leaves_a_reader_that_notices) {
    TextTable table;
    FrameRecorder recorder;
    open(recorder, table);
    recorder.out.flush();
    recorder.out.begin_record(RecordTag::context);
    recorder.out.append_long(std::string(3 << 20, 'c'));
    EXPECT_GT(recorder.frames.size(), 1u);
    recorder.out.reset();
    encode_begin(recorder.out, test_transaction());
    recorder.out.flush();
    EXPECT_EQ(recorder.frame(recorder.frames.size() - 1).header.fragment, Fragment::whole);
    StreamReader reader;
    EXPECT_EQ(read_frames(reader, recorder.bytes()).problem, "a record's last fragment is missing");
}

} // namespace
} // namespace waltrail::wire

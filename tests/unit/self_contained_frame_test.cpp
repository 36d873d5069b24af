// StreamReader::write_self_contained(): what quarantine keeps of a change must be readable without the stream.
#include "wire/stream_reader.hpp"

#include "tests/unit/random_change.hpp"
#include "wire/change_id.hpp"
#include "wire/change_json.hpp"

#include <gtest/gtest.h>

namespace waltrail::wire {
namespace {

constexpr size_t mib = size_t{1} << 20;

std::string json_of(const StreamReader &reader) {
    OwnedBuffer out;
    ChangeSetting setting{&reader.source(), &reader.transaction(), reader.context(),
                          reader.source().database, reader.decoded_at()};
    append_change_json(out, setting, reader.change());
    return std::string(out.view());
}

// Reads `frames` with a new reader and compares with what `original` stands at.
void expect_same_change(const StreamReader &original, std::string_view frames) {
    StreamReader reader;
    size_t changes = 0;
    while (!frames.empty()) {
        ParsedFrame frame = parse_frame(frames);
        ASSERT_EQ(frame.status, FrameStatus::ok);
        EXPECT_TRUE(frame.header.self_contained);
        EXPECT_EQ(frame.header.decoded_at, original.decoded_at());
        reader.load(frame.header, frame.payload);
        frames.remove_prefix(frame.bytes);
        for (;;) {
            StreamReader::Event event = reader.next();
            ASSERT_NE(event, StreamReader::Event::corrupt) << reader.problem();
            if (event == StreamReader::Event::need_frame) break;
            if (event != StreamReader::Event::change) continue;
            changes++;
            ASSERT_EQ(recorded(reader.change(), reader.context()),
                      recorded(original.change(), original.context()));
            EXPECT_EQ(
                change_id(reader.source(), reader.transaction(), reader.change().sequence),
                change_id(original.source(), original.transaction(), original.change().sequence));
            EXPECT_TRUE(json_of(reader) == json_of(original));
        }
    }
    EXPECT_EQ(changes, 1u);
    EXPECT_FALSE(reader.in_transaction());
}

TEST(SelfContainedFrame, holds_every_kind_of_change) {
    uint64_t seed = test_seed();
    SCOPED_TRACE("WALTRAIL_TEST_SEED=" + std::to_string(seed));
    RandomChanges random(seed);
    const std::pair<Operation, OldRow> shapes[] = {
        {Operation::insert, OldRow::none},     {Operation::update, OldRow::none},
        {Operation::update, OldRow::identity}, {Operation::update, OldRow::whole},
        {Operation::remove, OldRow::none},     {Operation::remove, OldRow::identity},
        {Operation::remove, OldRow::whole},    {Operation::truncate, OldRow::none},
    };
    for (uint32_t number = 0; number < 10; number++) {
        Relation relation = random.relation(number);
        FrameRecorder recorder;
        recorder.out.open_session();
        encode_session(recorder.out, test_source());
        encode_relation(recorder.out, relation);
        encode_begin(recorder.out, test_transaction());
        Lsn previous;
        for (auto [operation, old_row] : shapes) {
            if (random.chance()) encode_context(recorder.out, R"({"by":"somebody"})");
            Change change = random.change(relation, {operation, old_row, true, true, true, true});
            change.position = {random.number()};
            write_change(recorder.out, change, previous, random.below(3));
            previous = change.position;
        }
        recorder.out.flush();

        StreamReader reader;
        size_t changes = 0;
        for (size_t i = 0; i < recorder.frames.size(); i++) {
            ParsedFrame frame = recorder.frame(i);
            reader.load(frame.header, frame.payload);
            for (StreamReader::Event event;
                 (event = reader.next()) != StreamReader::Event::need_frame;) {
                ASSERT_NE(event, StreamReader::Event::corrupt) << reader.problem();
                if (event != StreamReader::Event::change) continue;
                SCOPED_TRACE("change " + std::to_string(changes++));
                std::string frames = self_contained_frames(reader);
                if (frames.size() < mib) {
                    EXPECT_EQ(parse_frame(frames).bytes, frames.size()) << "one frame";
                }
                ASSERT_NO_FATAL_FAILURE(expect_same_change(reader, frames));
            }
        }
        EXPECT_EQ(changes, std::size(shapes));
    }
}

TEST(SelfContainedFrame, holds_long_values_and_long_contexts) {
    OwnedArena arena;
    std::vector<Column> columns{column("a", scalar(Kind::text), arena),
                                column("b", scalar(Kind::bytea), arena)};
    Relation relation;
    relation.number = 9;
    relation.columns = columns;
    for (size_t context_length : {size_t{10}, size_t{100'000}, 2 * mib})
        for (size_t value_length : {size_t{10}, size_t{100'000}, mib - 8, mib, 3 * mib}) {
            SCOPED_TRACE(std::to_string(context_length) + " and " + std::to_string(value_length) +
                         " bytes");
            std::string a(value_length, 'a'), b(value_length, 'b'), c(value_length, 'c');
            std::vector<Value> before{present(a), present(b)}, after{before[0], present(c)};
            after[0].same_as_old = true;
            Change change;
            change.operation = Operation::update;
            change.old_row = OldRow::whole;
            change.relation = &relation;
            change.before = before;
            change.after = after;
            FrameRecorder recorder;
            recorder.out.open_session();
            encode_session(recorder.out, test_source());
            encode_relation(recorder.out, relation);
            encode_begin(recorder.out, test_transaction());
            encode_context(recorder.out, "{\"c\":\"" + std::string(context_length, 'c') + "\"}");
            write_change(recorder.out, change, {}, 1000);
            recorder.out.flush();

            StreamReader reader;
            bool met = false;
            for (size_t i = 0; i < recorder.frames.size(); i++) {
                ParsedFrame frame = recorder.frame(i);
                reader.load(frame.header, frame.payload);
                for (StreamReader::Event event;
                     (event = reader.next()) != StreamReader::Event::need_frame;) {
                    ASSERT_NE(event, StreamReader::Event::corrupt) << reader.problem();
                    if (event != StreamReader::Event::change) continue;
                    met = true;
                    ASSERT_NO_FATAL_FAILURE(
                        expect_same_change(reader, self_contained_frames(reader)));
                }
            }
            EXPECT_TRUE(met);
        }
}

} // namespace
} // namespace waltrail::wire

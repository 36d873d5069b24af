#include "wire/frame.hpp"

#include "tests/unit/encoded_value.hpp"

#include <gtest/gtest.h>

namespace waltrail::wire {
namespace {

std::string frame_of(std::string_view payload, FrameHeader header = {}) {
    std::string frame(frame_header_bytes, '\0');
    write_frame_header(frame.data(), header, payload);
    return frame.append(payload);
}

// The frame with the byte at `offset` replaced and, so that only this byte is wrong, the checksum made anew.
std::string with_byte(std::string frame, size_t offset, uint8_t byte) {
    frame[offset] = static_cast<char>(byte);
    uint32_t crc = 0xFFFFFFFFu;
    auto add = [&](size_t start, size_t end) {
        for (size_t i = start; i < end; i++) {
            crc ^= static_cast<uint8_t>(frame[i]);
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
        }
    };
    add(0, 12);
    add(16, frame.size());
    crc = ~crc;
    frame.replace(12, 4, fixed(crc));
    return frame;
}

TEST(Frame, header_has_the_documented_bytes) {
    FrameHeader header;
    header.fragment = Fragment::last;
    header.opens = header.describes = true;
    header.decoded_at = {0x0102030405060708};
    std::string frame = frame_of("payload", header);
    EXPECT_EQ(frame.substr(0, 12), "\xD7WAL\x01\x27\0\0\x07\0\0\0"_bytes);
    EXPECT_EQ(frame.substr(16), "\x08\x07\x06\x05\x04\x03\x02\x01payload");
    EXPECT_EQ(with_byte(frame, 0, 0xD7), frame) << "the checksum is the CRC-32C of everything else";
}

TEST(Frame, every_header_comes_back) {
    for (unsigned bits = 0; bits < 128; bits++) {
        FrameHeader header;
        header.fragment = static_cast<Fragment>(bits & 3);
        header.opens = (bits & 4) != 0;
        header.begins = (bits & 8) != 0;
        header.commits = (bits & 16) != 0;
        header.describes = (bits & 32) != 0;
        header.self_contained = (bits & 64) != 0;
        header.decoded_at = {-static_cast<int64_t>(bits) * 1'000'000'007};
        std::string frame = frame_of("some records", header);
        EXPECT_EQ(static_cast<uint8_t>(frame[5]), bits);

        std::string more = frame + "what follows";
        ParsedFrame parsed = parse_frame(more);
        ASSERT_EQ(parsed.status, FrameStatus::ok);
        EXPECT_EQ(parsed.bytes, frame.size());
        EXPECT_EQ(parsed.payload, "some records");
        EXPECT_EQ(parsed.header.fragment, header.fragment);
        EXPECT_EQ(parsed.header.opens, header.opens);
        EXPECT_EQ(parsed.header.begins, header.begins);
        EXPECT_EQ(parsed.header.commits, header.commits);
        EXPECT_EQ(parsed.header.describes, header.describes);
        EXPECT_EQ(parsed.header.self_contained, header.self_contained);
        EXPECT_EQ(parsed.header.decoded_at, header.decoded_at);
    }
}

TEST(Frame, an_empty_payload_is_a_frame) {
    ParsedFrame parsed = parse_frame(frame_of(""));
    EXPECT_EQ(parsed.status, FrameStatus::ok);
    EXPECT_EQ(parsed.bytes, frame_header_bytes);
}

TEST(Frame, cut_at_every_byte_is_incomplete_and_not_corrupt) {
    std::string frame = frame_of(std::string(300, 'p'));
    for (size_t length = 0; length < frame.size(); length++)
        EXPECT_EQ(parse_frame(std::string_view(frame).substr(0, length)).status,
                  FrameStatus::incomplete)
            << length;
}

TEST(Frame, every_flipped_bit_is_noticed) {
    std::string frame = frame_of(std::string(300, 'p'));
    for (size_t i = 0; i < frame.size(); i++)
        for (int bit = 0; bit < 8; bit++) {
            std::string broken = frame;
            broken[i] = static_cast<char>(broken[i] ^ 1 << bit);
            ParsedFrame parsed = parse_frame(broken);
            // A length that has become greater cannot be told from a frame that has not arrived.
            bool longer = i >= 8 && i < 12 && parsed.status == FrameStatus::incomplete;
            EXPECT_TRUE(longer || parsed.status == FrameStatus::corrupt)
                << "byte " << i << " bit " << bit;
            EXPECT_EQ(parsed.status == FrameStatus::corrupt, parsed.problem != nullptr);
        }
}

TEST(Frame, refuses_what_it_does_not_know_and_says_what) {
    std::string frame = frame_of("records");
    auto problem = [](std::string_view bytes) {
        ParsedFrame parsed = parse_frame(bytes);
        return parsed.status == FrameStatus::corrupt ? std::string(parsed.problem) : "not corrupt";
    };
    EXPECT_EQ(problem(with_byte(frame, 4, 2)), "unknown frame version");
    EXPECT_EQ(problem(with_byte(frame, 5, 0x80)), "unknown frame flag");
    EXPECT_EQ(problem(with_byte(frame, 6, 1)), "reserved bytes of the frame header are not zero");
    EXPECT_EQ(problem(with_byte(frame, 7, 1)), "reserved bytes of the frame header are not zero");
    EXPECT_EQ(problem(with_byte(frame, 11, 5)), "frame longer than 64 MiB");
    EXPECT_EQ(problem("\n" + frame), "no frame starts here: the magic bytes are missing");
    EXPECT_EQ(problem("\xD7\x57\x41\x4D"), "no frame starts here: the magic bytes are missing");
    frame.back() ^= 1;
    EXPECT_EQ(problem(frame), "frame checksum differs");
}

TEST(Frame, a_payload_of_64_MiB_is_allowed_and_one_byte_more_is_not) {
    std::string frame = frame_of(std::string(frame_payload_bytes_max, '\0'));
    EXPECT_EQ(parse_frame(frame).status, FrameStatus::ok);
    frame = frame_of(std::string(frame_payload_bytes_max + 1, '\0'));
    EXPECT_EQ(parse_frame(frame).status, FrameStatus::corrupt);
}

TEST(FindFrameMagic, finds_frames_behind_garbage_and_newlines) {
    std::string first = frame_of("first"), second = frame_of("second");
    std::string file = "garbage \xD7W\xD7" + first + "\n\n" + second + "\n";
    size_t at = find_frame_magic(file, 0);
    EXPECT_EQ(at, 11u);
    ParsedFrame parsed = parse_frame(std::string_view(file).substr(at));
    EXPECT_EQ(parsed.payload, "first");
    at = find_frame_magic(file, at + parsed.bytes);
    EXPECT_EQ(at, 11 + first.size() + 2);
    parsed = parse_frame(std::string_view(file).substr(at));
    EXPECT_EQ(parsed.payload, "second");
    EXPECT_EQ(find_frame_magic(file, at + parsed.bytes), file.size());
}

TEST(FindFrameMagic, a_frame_behind_a_corrupt_one_is_found) {
    std::string broken = frame_of("first");
    broken.back() ^= 1;
    std::string file = broken + frame_of("second");
    ASSERT_EQ(parse_frame(file).status, FrameStatus::corrupt);
    size_t at = find_frame_magic(file, 1);
    ASSERT_EQ(at, broken.size());
    EXPECT_EQ(parse_frame(std::string_view(file).substr(at)).payload, "second");
}

TEST(FindFrameMagic, a_part_of_a_magic_at_the_end_may_become_one) {
    EXPECT_EQ(find_frame_magic("abc\xD7", 0), 3u);
    EXPECT_EQ(find_frame_magic("abc\xD7WA", 0), 3u);
    EXPECT_EQ(find_frame_magic("abc\xD7WB", 0), 6u);
    EXPECT_EQ(find_frame_magic("\xD7\xD7\xD7W", 0), 2u);
    EXPECT_EQ(find_frame_magic("", 0), 0u);
    EXPECT_EQ(find_frame_magic("abc", 3), 3u);
}

} // namespace
} // namespace waltrail::wire

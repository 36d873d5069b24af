// Bytes from outside must never crash the readers, nor make them take memory or time out of proportion. The first byte of
// the input says what the others are:
//   file     a file of frames, as `waltrail decode` reads one
//   mended   the same with right checksums, so that mutations get past them
//   payload  a frame's payload behind a session, relations and a begin
//   pieces   the same in three fragments
// Whatever change comes out is rendered, and written as a self-contained frame that must give the same change again.
#include "tests/fuzz/described_relations.hpp"
#include "wire/change_json.hpp"
#include "wire/encoder.hpp"
#include "wire/frame.hpp"
#include "wire/postgres_primitives.hpp"
#include "wire/stream_reader.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace waltrail::wire;

enum class InputKind { file = 0, mended = 1, payload = 2, pieces = 3 };

constexpr size_t input_bytes_max = size_t{64} << 10;
constexpr int rewritten_changes_max =
    64; // each repeats its relation's description: keep an input's time linear
// Output grows with names and nulls times the input, never faster.
constexpr size_t json_bytes_max = size_t{64} << 20;

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

std::string append_to_string(void (*write)(FrameWriter &)) {
    std::string payload;
    FrameWriter out;
    out.payload.allocator = process_allocator();
    out.clock = [] { return Timestamp{}; };
    out.sink = {[](void *owner, std::string_view, std::string_view bytes) {
                    static_cast<std::string *>(owner)->append(bytes);
                },
                &payload};
    write(out);
    out.flush();
    out.payload.release();
    return payload;
}

const std::string &stream_beginning() {
    static const std::string payload = append_to_string([](FrameWriter &out) {
        encode_session(out, {1, 2, "source", 150'000});
        for (const Relation &relation : DescribedRelations().relations)
            encode_relation(out, relation);
        encode_begin(out, {{3}, {4}, {5}, {6}});
    });
    return payload;
}

std::string json_of(const StreamReader &reader) {
    Buffer out;
    out.allocator = process_allocator();
    append_change_json(out,
                       {&reader.source(), &reader.transaction(), reader.context(),
                        reader.source().database, reader.decoded_at()},
                       reader.change());
    std::string json(out.view());
    out.release();
    if (json.size() > json_bytes_max) fail("JSON out of proportion");
    return json;
}

bool same_row(std::span<const Value> a, std::span<const Value> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Value &x, const Value &y) {
        return x.state == y.state && x.same_as_old == y.same_as_old && x.bytes == y.bytes;
    });
}

bool same_change(const Change &a, const Change &b) {
    return a.operation == b.operation && a.position == b.position && a.sequence == b.sequence &&
           a.old_row == b.old_row && a.cascade == b.cascade &&
           a.restart_identity == b.restart_identity && same_row(a.before, b.before) &&
           same_row(a.after, b.after);
}

std::string self_contained_frames(const StreamReader &reader) {
    std::string frames;
    reader.write_self_contained(
        {[](void *owner, std::string_view header, std::string_view payload) {
             static_cast<std::string *>(owner)->append(header).append(payload);
         },
         &frames});
    return frames;
}

void check_self_contained(const StreamReader &original, const std::string &json) {
    std::string frame = self_contained_frames(original);
    ParsedFrame parsed = parse_frame(frame);
    if (parsed.status != FrameStatus::ok || parsed.bytes != frame.size()) fail("not one frame");
    StreamReader reader;
    reader.load(parsed.header, parsed.payload);
    if (reader.next() != StreamReader::Event::begin) fail("no begin");
    if (reader.next() != StreamReader::Event::change) fail("no change");
    if (!same_change(reader.change(), original.change())) fail("another change");
    if (json_of(reader) != json) fail("other JSON");
    if (reader.next() != StreamReader::Event::commit) fail("no commit");
    if (reader.next() != StreamReader::Event::need_frame) fail("more than a commit");
}

// False when the stream is corrupt.
bool drain(StreamReader &reader, int &rewritten) {
    for (;;) {
        switch (reader.next()) {
        case StreamReader::Event::need_frame:
            return true;
        case StreamReader::Event::corrupt:
            if (reader.problem().empty()) fail("corrupt without a reason");
            return false;
        case StreamReader::Event::begin:
        case StreamReader::Event::commit:
            break;
        case StreamReader::Event::change: {
            if (rewritten++ < rewritten_changes_max) check_self_contained(reader, json_of(reader));
            break;
        }
        }
    }
}

void read_file(std::string_view file) {
    StreamReader reader;
    int rewritten = 0;
    for (size_t at = find_frame_magic(file, 0); at < file.size();) {
        ParsedFrame frame = parse_frame(slice(file, at, file.size() - at));
        size_t step = 1;
        if (frame.status == FrameStatus::ok) {
            step = frame.bytes;
            reader.load(frame.header, frame.payload);
            if (!drain(reader, rewritten)) reader.reset();
        } else if ((frame.status == FrameStatus::corrupt) != (frame.problem != nullptr)) {
            fail("corrupt without a reason, or a reason without being corrupt");
        }
        at = find_frame_magic(file, at + step);
    }
}

std::string mend_checksums(std::string file) {
    for (size_t at = 0; (at = find_frame_magic(file, at)) + frame_header_bytes <= file.size();) {
        char *frame = file.data() + at;
        uint32_t length;
        std::memcpy(&length, frame + 8, sizeof length);
        if (length > file.size() - at - frame_header_bytes) {
            at++;
            continue;
        }
        uint32_t crc = pg_comp_crc32c(0xFFFFFFFFu, frame, 12);
        crc = ~pg_comp_crc32c(crc, frame + 16, frame_header_bytes - 16 + length);
        std::memcpy(frame + 12, &crc, sizeof crc);
        at += frame_header_bytes + length;
    }
    return file;
}

void read_payload(std::string_view payload, bool in_pieces) {
    StreamReader reader;
    int rewritten = 0;
    FrameHeader header;
    header.opens = true;
    reader.load(header, stream_beginning());
    if (!drain(reader, rewritten)) fail("the beginning is corrupt");
    header.opens = false;
    if (!in_pieces) {
        reader.load(header, payload);
        drain(reader, rewritten);
        return;
    }
    size_t piece = payload.size() / 3;
    for (Fragment fragment : {Fragment::first, Fragment::middle, Fragment::last}) {
        header.fragment = fragment;
        std::string_view bytes =
            slice(payload, 0, fragment == Fragment::last ? payload.size() : piece);
        payload.remove_prefix(bytes.size());
        reader.load(header, bytes);
        if (!drain(reader, rewritten)) return;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > input_bytes_max) return 0;
    std::string_view bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
    switch (static_cast<InputKind>(data[0] & 3)) {
    case InputKind::file:
        read_file(bytes);
        break;
    case InputKind::mended:
        read_file(mend_checksums(std::string(bytes)));
        break;
    case InputKind::payload:
        read_payload(bytes, false);
        break;
    case InputKind::pieces:
        read_payload(bytes, true);
        break;
    }
    return 0;
}

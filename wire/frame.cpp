#include "wire/frame.hpp"

#include "wire/cursor.hpp"
#include "wire/postgres_primitives.hpp"

#include <algorithm>

namespace waltrail::wire {

namespace {

constexpr uint8_t flag_opens = 0x04;
constexpr uint8_t flag_begins = 0x08;
constexpr uint8_t flag_commits = 0x10;
constexpr uint8_t flag_describes = 0x20;
constexpr uint8_t flag_self_contained = 0x40;
constexpr uint8_t flag_reserved = 0x80;
constexpr size_t crc_offset = 12;

uint8_t flags_of(const FrameHeader &header) {
    return static_cast<uint8_t>(
        static_cast<uint8_t>(header.fragment) | (header.opens ? flag_opens : 0) |
        (header.begins ? flag_begins : 0) | (header.commits ? flag_commits : 0) |
        (header.describes ? flag_describes : 0) |
        (header.self_contained ? flag_self_contained : 0));
}

uint32_t checksum(const char *header, std::string_view payload) {
    uint32_t crc = pg_comp_crc32c(0xFFFFFFFFu, header, crc_offset);
    crc = pg_comp_crc32c(crc, header + crc_offset + 4, frame_header_bytes - crc_offset - 4);
    return pg_comp_crc32c(crc, payload.data(), payload.size()) ^ 0xFFFFFFFFu;
}

ParsedFrame corrupt(const char *problem) {
    ParsedFrame result;
    result.status = FrameStatus::corrupt;
    result.problem = problem;
    return result;
}

} // namespace

void write_frame_header(char *out, const FrameHeader &header, std::string_view payload) {
    auto length = static_cast<uint32_t>(payload.size());
    std::memcpy(out, frame_magic, sizeof frame_magic);
    out[4] = static_cast<char>(frame_version);
    out[5] = static_cast<char>(flags_of(header));
    out[6] = out[7] = 0;
    std::memcpy(out + 8, &length, sizeof length);
    std::memcpy(out + 16, &header.decoded_at.microseconds, sizeof(int64_t));
    uint32_t crc = checksum(out, payload);
    std::memcpy(out + crc_offset, &crc, sizeof crc);
}

ParsedFrame parse_frame(std::string_view bytes) {
    size_t comparable = std::min(bytes.size(), sizeof frame_magic);
    if (comparable != 0 && std::memcmp(bytes.data(), frame_magic, comparable) != 0)
        return corrupt("no frame starts here: the magic bytes are missing");
    if (bytes.size() < frame_header_bytes) return {};

    Cursor cursor(slice(bytes, sizeof frame_magic, frame_header_bytes - sizeof frame_magic));
    if (cursor.byte() != frame_version) return corrupt("unknown frame version");
    uint8_t flags = cursor.byte();
    if ((flags & flag_reserved) != 0) return corrupt("unknown frame flag");
    if (cursor.little_endian<uint16_t>() != 0)
        return corrupt("reserved bytes of the frame header are not zero");
    uint32_t length = cursor.little_endian<uint32_t>();
    if (length > frame_payload_bytes_max) return corrupt("frame longer than 64 MiB");
    if (bytes.size() - frame_header_bytes < length) return {};

    ParsedFrame result;
    result.payload = slice(bytes, frame_header_bytes, length);
    if (cursor.little_endian<uint32_t>() != checksum(bytes.data(), result.payload))
        return corrupt("frame checksum differs");
    result.status = FrameStatus::ok;
    result.bytes = frame_header_bytes + length;
    result.header.fragment = static_cast<Fragment>(flags & 0x03);
    result.header.opens = (flags & flag_opens) != 0;
    result.header.begins = (flags & flag_begins) != 0;
    result.header.commits = (flags & flag_commits) != 0;
    result.header.describes = (flags & flag_describes) != 0;
    result.header.self_contained = (flags & flag_self_contained) != 0;
    result.header.decoded_at = {cursor.little_endian<int64_t>()};
    return result;
}

size_t find_frame_magic(std::string_view bytes, size_t start) {
    for (size_t at = start; at < bytes.size(); at++) {
        at = bytes.find(frame_magic[0], at);
        if (at == std::string_view::npos) return bytes.size();
        size_t comparable = std::min(bytes.size() - at, sizeof frame_magic);
        if (std::memcmp(bytes.data() + at, frame_magic, comparable) == 0) return at;
    }
    return bytes.size();
}

} // namespace waltrail::wire

// The frame around records: header, checksum, fragments, and finding frames in a file. See docs/wire_format.md.
#pragma once

#include "wire/memory.hpp"
#include "wire/types.hpp"

namespace waltrail::wire {

inline constexpr char frame_magic[4] = {'\xD7', 'W', 'A', 'L'};
inline constexpr uint8_t frame_version = 1;
inline constexpr size_t frame_header_bytes = 24;
inline constexpr size_t frame_payload_bytes_max = size_t{64} << 20;
// A frame is sent when it is this full.
inline constexpr size_t frame_target_bytes = size_t{64} << 10;
// Longer records travel in fragments.
inline constexpr size_t fragment_bytes = size_t{1} << 20;

enum class Fragment : uint8_t { whole = 0, first = 1, middle = 2, last = 3 };

struct FrameHeader {
    Fragment fragment = Fragment::whole;
    bool opens = false;
    bool begins = false;
    bool commits = false;
    bool describes = false;
    bool self_contained = false;
    Timestamp decoded_at;
};

// Writes the header for `payload` to `out` (frame_header_bytes long).
void write_frame_header(char *out, const FrameHeader &header, std::string_view payload);

enum class FrameStatus { ok, incomplete, corrupt };

struct ParsedFrame {
    FrameStatus status = FrameStatus::incomplete;
    const char *problem = nullptr; // for corrupt: what contradicts the format, without a full stop
    FrameHeader header;
    std::string_view payload;
    size_t bytes = 0; // of the whole frame
};

// Reads the frame at the start of `bytes`; whatever follows it is not looked at.
ParsedFrame parse_frame(std::string_view bytes);

// The offset of the next byte from `start` on where a frame may begin: a magic, or a part of one at the end of the
// bytes. bytes.size() when there is none.
size_t find_frame_magic(std::string_view bytes, size_t start);

} // namespace waltrail::wire

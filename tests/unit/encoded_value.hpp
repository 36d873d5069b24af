// Builds the bytes of values as Value::bytes holds them, so that a test can write down a value in one line. Written
// independently of what it tests: from the tables of docs/wire_format.md.
#pragma once

#include "wire/encoder.hpp"
#include "wire/json_render.hpp"

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace waltrail::wire {

// A Buffer that frees itself.
struct OwnedBuffer : Buffer {
    OwnedBuffer() { allocator = process_allocator(); }
    ~OwnedBuffer() { release(); }
    OwnedBuffer(const OwnedBuffer &) = delete;
    OwnedBuffer &operator=(const OwnedBuffer &) = delete;
};

// An Arena that frees itself.
struct OwnedArena : Arena {
    OwnedArena() { allocator = process_allocator(); }
    ~OwnedArena() { release(); }
    OwnedArena(const OwnedArena &) = delete;
    OwnedArena &operator=(const OwnedArena &) = delete;
};

inline std::string varint(uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    return bytes += static_cast<char>(value);
}

inline std::string zigzag(int64_t value) {
    return varint(value < 0 ? ~(static_cast<uint64_t>(value) << 1)
                            : static_cast<uint64_t>(value) << 1);
}

template <typename T> std::string fixed(T value) {
    return {reinterpret_cast<const char *>(&value), sizeof value};
}

inline std::string operator""_bytes(const char *text, size_t size) { return {text, size}; }

// The value with the length prefix that its kind has inside a row, an array or a composite.
inline std::string in_row(const Type &type, std::string_view bytes) {
    std::string text(bytes);
    switch (type.kind) {
    case Kind::text:
    case Kind::numeric:
    case Kind::bytea:
    case Kind::json:
    case Kind::jsonb:
        return varint(bytes.size()) + text;
    case Kind::array:
    case Kind::composite:
        return fixed(static_cast<uint32_t>(bytes.size())) + text;
    default:
        return text;
    }
}

using Item = std::optional<std::string>; // bytes of an element or a field; nothing is null
using Items = std::vector<Item>;

inline std::string null_bitmap(const Items &items) {
    std::string bitmap((items.size() + 7) / 8, '\0');
    for (size_t i = 0; i < items.size(); i++)
        if (!items[i]) bitmap[i / 8] = static_cast<char>(bitmap[i / 8] | 1 << (i % 8));
    return bitmap;
}

struct Dimension {
    uint64_t length;
    int64_t lower_bound = 1;
};

inline std::string array_of(const Type &element, const std::vector<Dimension> &dimensions,
                            const Items &items) {
    std::string bytes = varint(dimensions.size());
    for (const Dimension &dimension : dimensions)
        bytes += varint(dimension.length) + zigzag(dimension.lower_bound);
    bool nulls = false;
    for (const Item &item : items) nulls |= !item;
    bytes += nulls ? '\1' : '\0';
    if (nulls) bytes += null_bitmap(items);
    for (const Item &item : items)
        if (item) bytes += in_row(element, *item);
    return bytes;
}

inline std::string composite_of(std::span<const Field> fields, const Items &items) {
    std::string bytes = null_bitmap(items);
    for (size_t i = 0; i < items.size(); i++)
        if (items[i]) bytes += in_row(fields[i].type, *items[i]);
    return bytes;
}

inline Type scalar(Kind kind, uint32_t oid = 0) {
    Type type;
    type.kind = kind;
    type.oid = oid;
    return type;
}

inline Type array_type(const Type &element, char delimiter = ',', uint32_t oid = 0) {
    Type type = scalar(Kind::array, oid);
    type.delimiter = delimiter;
    type.element = &element;
    return type;
}

inline Type composite_type(std::span<const Field> fields) {
    Type type;
    type.kind = Kind::composite;
    type.fields = fields;
    return type;
}

inline Column column(std::string_view name, const Type &type, Arena &arena) {
    Column column;
    column.name = name;
    column.json_name = json_name(name, arena);
    column.type_name = "of the test";
    column.type = type;
    return column;
}

inline Value present(std::string_view bytes) { return {Value::State::present, false, bytes}; }
inline Value null_value() { return {Value::State::null, false, {}}; }
inline Value absent() { return {}; }

} // namespace waltrail::wire

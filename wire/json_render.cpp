#include "wire/json_render.hpp"

#include "wire/jsonb_limits.hpp"
#include "wire/raw_text.hpp"
#include "wire/text_render.hpp"

namespace waltrail::wire {

namespace {

// 0: as it is; 'u': \u00XX; otherwise the letter after the backslash.
constexpr char escape_of(uint8_t c) {
    switch (c) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return c < 0x20 ? 'u' : 0;
    }
}

struct EscapeTable {
    char of[256] = {};
    constexpr EscapeTable() {
        for (int c = 0; c < 256; c++) of[c] = escape_of(static_cast<uint8_t>(c));
    }
};
constexpr EscapeTable escapes;

bool is_json_number(std::string_view text) {
    size_t first = !text.empty() && text[0] == '-' ? 1 : 0;
    return text.size() > first && text[first] >= '0' && text[first] <= '9';
}

// What is shown of escaped bytes is ASCII.
void append_escaped_json_string(Buffer &out, std::string_view bytes) {
    Buffer escaped;
    escaped.allocator = out.allocator;
    append_escaped_bytes(escaped, bytes);
    append_json_string(out, escaped.view());
    escaped.release();
}

// Text that the output function wrote as a number: NaN and infinities become strings.
void append_number(Buffer &out, std::string_view text) {
    if (is_json_number(text)) return out.append(text);
    append_json_string(out, text);
}

void append_quoted(Buffer &out, const Type &type, std::string_view bytes) {
    out.append_byte('"');
    append_output_text(out, type, bytes);
    out.append_byte('"');
}

void append_quoted_datetime(Buffer &out, const Type &type, std::string_view bytes) {
    out.append_byte('"');
    append_json_datetime(out, type.kind, bytes);
    out.append_byte('"');
}

void append_float_json(Buffer &out, const Type &type, std::string_view bytes) {
    size_t start = out.size;
    append_output_text(out, type, bytes);
    if (is_json_number(out.view_from(start))) return;
    out.size = start;
    append_quoted(out, type, bytes);
}

Marks append_value(Buffer &out, const Type &type, std::string_view bytes, Marks as);

struct ArrayJson {
    Buffer &out;
    const Type &type;
    Cursor in;
    Marks as;
    uint64_t lengths[6] = {};
    const char *nulls = nullptr;
    size_t item = 0;
    Marks marks = 0;

    void append_element() {
        if (nulls != nullptr && bit(nulls, item++)) return out.append("null");
        std::string_view bytes;
        parse_value(in, *type.element, bytes);
        marks |= append_value(out, *type.element, bytes, as);
    }

    void append_dimension(uint64_t dimension, uint64_t dimensions) {
        out.append_byte('[');
        for (uint64_t i = 0; i < lengths[dimension]; i++) {
            if (i != 0) out.append_byte(',');
            if (dimension + 1 < dimensions)
                append_dimension(dimension + 1, dimensions);
            else
                append_element();
        }
        out.append_byte(']');
    }
};

Marks append_array(Buffer &out, const Type &type, std::string_view body, Marks as) {
    ArrayJson json{out, type, Cursor(body), as};
    uint64_t dimensions = json.in.varint();
    uint64_t items = 1;
    for (uint64_t i = 0; i < dimensions; i++) {
        json.lengths[i] = json.in.varint();
        json.in.zigzag();
        items *= json.lengths[i];
    }
    if (dimensions == 0 || items == 0) { // as array_to_json() does
        out.append("[]");
        return 0;
    }
    if (json.in.byte() != 0) json.nulls = json.in.bytes(bitmap_bytes(items)).data();
    json.append_dimension(0, dimensions);
    return json.marks;
}

Marks append_composite(Buffer &out, const Type &type, std::string_view body, Marks as) {
    Cursor in(body);
    auto nulls = in.bytes(bitmap_bytes(type.fields.size()));
    Marks marks = 0;
    out.append_byte('{');
    for (size_t i = 0; i < type.fields.size(); i++) {
        const Field &field = type.fields[i];
        if (i != 0) out.append_byte(',');
        out.append(field.json_name);
        if (bit(nulls.data(), i)) {
            out.append("null");
            continue;
        }
        std::string_view bytes;
        parse_value(in, field.type, bytes);
        marks |= append_value(out, field.type, bytes, as);
    }
    out.append_byte('}');
    return marks;
}

// Text as a JSON string; with `as` saying so, in the form that raw text has.
Marks append_text(Buffer &out, std::string_view text, Marks as) {
    if (is_raw_text(text)) return append_json_string(out, text);
    if ((as & mark_bytes_escaped) == 0) return append_json_string(out, text);
    append_escaped_json_string(out, text);
    return mark_bytes_escaped;
}

Marks append_json_document(Buffer &out, std::string_view text, bool can_hold, Marks as) {
    if (!can_hold || is_raw_text(text) || (as & mark_json_as_text) != 0)
        return mark_json_as_text | append_text(out, text, as);
    out.append(text);
    return 0;
}

// `as`: what is done to every value inside, whether it needs it or not.
Marks append_value(Buffer &out, const Type &type, std::string_view bytes, Marks as) {
    switch (type.kind) {
    case Kind::text:
        return append_text(out, bytes, as);
    case Kind::boolean:
        out.append(bytes[0] != 0 ? "true" : "false");
        return 0;
    case Kind::int2:
    case Kind::int4:
    case Kind::int8:
        append_output_text(out, type, bytes);
        return 0;
    case Kind::float4:
    case Kind::float8:
        append_float_json(out, type, bytes);
        return 0;
    case Kind::numeric:
        append_number(out, bytes);
        return 0;
    case Kind::date:
    case Kind::timestamp:
    case Kind::timestamptz:
        append_quoted_datetime(out, type, bytes);
        return 0;
    case Kind::time:
    case Kind::timetz:
    case Kind::uuid:
        append_quoted(out, type, bytes);
        return 0;
    case Kind::bytea:
        out.append("\"\\");
        append_output_text(out, type, bytes);
        out.append_byte('"');
        return 0;
    case Kind::json:
        return append_json_document(out, bytes, jsonb_can_hold(bytes), as);
    case Kind::jsonb:
        return append_json_document(out, bytes, true, as);
    case Kind::array:
        return append_array(out, type, bytes, as);
    case Kind::composite:
        return append_composite(out, type, bytes, as);
    }
    return 0;
}

} // namespace

Marks append_json_string(Buffer &out, std::string_view text) {
    if (is_raw_text(text)) {
        append_escaped_json_string(out, bytes_of_raw_text(text));
        return mark_bytes_escaped;
    }
    static constexpr char hex[] = "0123456789abcdef";
    out.reserve(text.size() + 2);
    out.append_byte('"');
    const char *start = text.data();
    const char *limit = start + text.size();
    for (const char *at = start; at < limit; at++) {
        char escape = escapes.of[static_cast<uint8_t>(*at)];
        if (escape == 0) continue;
        out.append(start, static_cast<size_t>(at - start));
        start = at + 1;
        out.append_byte('\\');
        out.append_byte(static_cast<uint8_t>(escape));
        if (escape != 'u') continue;
        out.append("00");
        out.append_byte(static_cast<uint8_t>(hex[static_cast<uint8_t>(*at) >> 4]));
        out.append_byte(static_cast<uint8_t>(hex[*at & 0x0F]));
    }
    out.append(start, static_cast<size_t>(limit - start));
    out.append_byte('"');
    return 0;
}

std::string_view json_name(std::string_view name, Arena &arena) {
    Buffer text;
    text.allocator = arena.allocator;
    append_json_string(text, name);
    text.append_byte(':');
    std::string_view copied = arena.copy(text.view());
    text.release();
    return copied;
}

// What is done to one part of a value is done to all of it, so that a reader knows how to undo it.
Marks append_json_value(Buffer &out, const Type &type, std::string_view bytes) {
    size_t start = out.size;
    Marks marks = append_value(out, type, bytes, 0);
    bool nested = type.kind == Kind::array || type.kind == Kind::composite;
    if (marks == 0 || !nested) return marks;
    out.size = start;
    return append_value(out, type, bytes, marks);
}

static Marks append_column(Buffer &out, const Type &type, const Value &value) {
    if (!value.unreadable) return append_json_value(out, type, value.bytes);
    append_json_string(out, value.bytes);
    return mark_unreadable;
}

static Marks append_member(Buffer &out, const Column &column, const Value &value, bool first) {
    if (!first) out.append_byte(',');
    out.append(column.json_name);
    if (value.state != Value::State::null) return append_column(out, column.type, value);
    out.append("null");
    return 0;
}

Marks append_json_row(Buffer &out, const Relation &relation, std::span<const Value> row) {
    Marks marks = 0;
    out.append_byte('{');
    size_t start = out.size;
    for (size_t i = 0; i < row.size(); i++)
        if (row[i].state != Value::State::absent)
            marks |= append_member(out, relation.columns[i], row[i], out.size == start);
    out.append_byte('}');
    return marks;
}

Marks append_jsonb_row(Buffer &out, const Relation &relation, std::span<const Value> row) {
    Marks marks = 0;
    out.append_byte('{');
    size_t start = out.size;
    if (!row.empty())
        for (uint16_t i : relation.jsonb_order)
            if (row[i].state != Value::State::absent)
                marks |= append_member(out, relation.columns[i], row[i], out.size == start);
    out.append_byte('}');
    return marks;
}

} // namespace waltrail::wire

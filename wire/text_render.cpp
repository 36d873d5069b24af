// Date arithmetic follows the proleptic Gregorian calendar, as PostgreSQL's j2date() does: a civil date is computed from
// the day number in eras of 400 years (146,097 days), with years that start in March.
#include "wire/text_render.hpp"

#include "wire/cursor.hpp"
#include "wire/decimal.hpp"
#include "wire/postgres_primitives.hpp"
#include "wire/raw_text.hpp"

#include <cmath>
#include <limits>

namespace waltrail::wire {

namespace {

constexpr uint32_t character_n_oid = 1042; // bpchar
constexpr uint32_t inet_oid = 869;
constexpr uint32_t int2vector_oid = 22;
constexpr uint32_t oidvector_oid = 30;
constexpr int64_t microseconds_per_second = 1'000'000;
constexpr int64_t microseconds_per_day = 86'400 * microseconds_per_second;
constexpr size_t primary_key_characters_max = 255;
constexpr size_t primary_key_bytes_max = primary_key_characters_max * 4; // of UTF-8

struct CivilDate {
    int64_t year; // astronomical: 0 is 1 BC
    unsigned month;
    unsigned day;
};

CivilDate civil_date(int64_t days_since_2000) {
    constexpr int64_t days_per_era = 146'097;
    int64_t shifted = days_since_2000 + 730'425; // days since 0000-03-01
    int64_t era = (shifted >= 0 ? shifted : shifted - (days_per_era - 1)) / days_per_era;
    auto day_of_era = static_cast<unsigned>(shifted - era * days_per_era);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
            day_of_year - (153 * march_month + 2) / 5 + 1};
}

void append_integer(Buffer &out, int64_t value) {
    char text[decimal_bytes_max];
    char *limit = text + sizeof text;
    auto magnitude = static_cast<uint64_t>(value);
    char *start = write_decimal_before(limit, value < 0 ? 0 - magnitude : magnitude);
    if (value < 0) out.append_byte('-');
    out.append(start, static_cast<size_t>(limit - start));
}

void append_padded(Buffer &out, uint64_t value, int digits) {
    char text[decimal_bytes_max];
    char *limit = text + sizeof text;
    char *start = write_decimal_before(limit, value);
    for (auto i = static_cast<int>(limit - start); i < digits; i++) out.append_byte('0');
    out.append(start, static_cast<size_t>(limit - start));
}

void append_civil_date(Buffer &out, const CivilDate &date) {
    append_padded(out, static_cast<uint64_t>(date.year > 0 ? date.year : 1 - date.year), 4);
    out.append_byte('-');
    append_padded(out, date.month, 2);
    out.append_byte('-');
    append_padded(out, date.day, 2);
}

void append_era(Buffer &out, const CivilDate &date) {
    if (date.year <= 0) out.append(" BC");
}

void append_time_of_day(Buffer &out, int64_t microseconds) {
    int64_t seconds = microseconds / microseconds_per_second;
    int64_t fraction = microseconds % microseconds_per_second;
    append_padded(out, static_cast<uint64_t>(seconds / 3600), 2);
    out.append_byte(':');
    append_padded(out, static_cast<uint64_t>(seconds / 60 % 60), 2);
    out.append_byte(':');
    append_padded(out, static_cast<uint64_t>(seconds % 60), 2);
    if (fraction == 0) return;
    out.append_byte('.');
    append_padded(out, static_cast<uint64_t>(fraction), 6);
    while (out.data[out.size - 1] == '0') out.size--;
}

void append_zone(Buffer &out, int64_t seconds_west) {
    int64_t distance = std::abs(seconds_west);
    out.append_byte(seconds_west <= 0 ? '+' : '-');
    append_padded(out, static_cast<uint64_t>(distance / 3600), 2);
    if (distance % 3600 == 0) return;
    out.append_byte(':');
    append_padded(out, static_cast<uint64_t>(distance / 60 % 60), 2);
    if (distance % 60 == 0) return;
    out.append_byte(':');
    append_padded(out, static_cast<uint64_t>(distance % 60), 2);
}

void append_date(Buffer &out, std::string_view bytes) {
    int64_t days = Cursor(bytes).zigzag();
    if (days == std::numeric_limits<int32_t>::max()) return out.append("infinity");
    if (days == std::numeric_limits<int32_t>::min()) return out.append("-infinity");
    CivilDate date = civil_date(days);
    append_civil_date(out, date);
    append_era(out, date);
}

void append_timestamp(Buffer &out, std::string_view bytes, char separator, std::string_view zone) {
    auto time = Cursor(bytes).little_endian<int64_t>();
    if (time == std::numeric_limits<int64_t>::max()) return out.append("infinity");
    if (time == std::numeric_limits<int64_t>::min()) return out.append("-infinity");
    int64_t of_day = time % microseconds_per_day;
    int64_t days = time / microseconds_per_day;
    if (of_day < 0) {
        of_day += microseconds_per_day;
        days--;
    }
    CivilDate date = civil_date(days);
    append_civil_date(out, date);
    out.append_byte(static_cast<uint8_t>(separator));
    append_time_of_day(out, of_day);
    out.append(zone);
    append_era(out, date);
}

template <typename Float>
void append_float(Buffer &out, std::string_view bytes, int (*shortest)(Float, char *)) {
    auto value = Cursor(bytes).little_endian<Float>();
    if (std::isnan(value)) return out.append("NaN");
    if (std::isinf(value)) return out.append(value > 0 ? "Infinity" : "-Infinity");
    out.reserve(32);
    out.size += static_cast<size_t>(shortest(value, out.end()));
}

void append_hex(Buffer &out, std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    out.reserve(bytes.size() * 2);
    char *at = out.end();
    for (char byte : bytes) {
        *at++ = digits[static_cast<uint8_t>(byte) >> 4];
        *at++ = digits[static_cast<uint8_t>(byte) & 0x0F];
    }
    out.size += bytes.size() * 2;
}

void append_uuid(Buffer &out, std::string_view bytes) {
    constexpr size_t groups[] = {4, 2, 2, 2, 6};
    size_t at = 0;
    for (size_t group : groups) {
        if (at != 0) out.append_byte('-');
        append_hex(out, slice(bytes, at, group));
        at += group;
    }
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_null_word(std::string_view text) {
    if (text.size() != 4) return false;
    for (size_t i = 0; i < 4; i++)
        if ((text[i] | 0x20) != "null"[i]) return false;
    return true;
}

bool needs_quotes(std::string_view text, std::string_view special) {
    if (text.empty()) return true;
    for (char c : text)
        if (c == '"' || c == '\\' || is_space(c) || special.find(c) != std::string_view::npos)
            return true;
    return false;
}

// Quotes what was appended since `start`: writes the quoted text behind it, then moves it over the plain one.
// Each '"' and '\' gets `escape_quote` or a backslash before it.
void quote_from(Buffer &out, size_t start, char escape_quote) {
    size_t plain_end = out.size;
    out.reserve((plain_end - start) * 2 + 2);
    out.append_byte('"');
    for (size_t i = start; i < plain_end; i++) {
        char c = out.data[i];
        if (c == '"') out.append_byte(static_cast<uint8_t>(escape_quote));
        if (c == '\\') out.append_byte('\\');
        out.append_byte(static_cast<uint8_t>(c));
    }
    out.append_byte('"');
    size_t quoted = out.size - plain_end;
    std::memmove(out.data + start, out.data + plain_end, quoted);
    out.size = start + quoted;
}

// append_output_text() that may end early once `out` is longer than `stop`. Quoting can double the text at every level of
// nesting, so a key that will be too long anyway must not be rendered to its end.
void append_text(Buffer &out, const Type &type, std::string_view bytes, size_t stop);

struct ArrayText {
    Buffer &out;
    const Type &type;
    Cursor in;
    size_t stop;
    uint64_t lengths[6] = {};
    const char *nulls = nullptr;
    size_t item = 0;

    void append_element() {
        if (nulls != nullptr && bit(nulls, item++)) return out.append("NULL");
        std::string_view bytes;
        parse_value(in, *type.element, bytes);
        size_t start = out.size;
        append_text(out, *type.element, bytes, stop);
        if (out.size > stop) return;
        std::string_view text = out.view_from(start);
        const char special[] = {'{', '}', type.delimiter};
        if (needs_quotes(text, {special, sizeof special}) || is_null_word(text))
            quote_from(out, start, '\\');
    }

    void append_dimension(uint64_t dimension, uint64_t dimensions) {
        out.append_byte('{');
        for (uint64_t i = 0; i < lengths[dimension] && out.size <= stop; i++) {
            if (i != 0) out.append_byte(static_cast<uint8_t>(type.delimiter));
            if (dimension + 1 < dimensions)
                append_dimension(dimension + 1, dimensions);
            else
                append_element();
        }
        out.append_byte('}');
    }

    void append_vector() {
        for (uint64_t i = 0; i < lengths[0] && out.size <= stop; i++) {
            if (i != 0) out.append_byte(' ');
            append_element();
        }
    }
};

// Arrays of one dimension, in JSON as well, but with an output function of their own.
bool is_vector(const Type &type, uint64_t dimensions) {
    return dimensions <= 1 && (type.oid == int2vector_oid || type.oid == oidvector_oid);
}

void append_array(Buffer &out, const Type &type, std::string_view body, size_t stop) {
    ArrayText text{out, type, Cursor(body), stop};
    uint64_t dimensions = text.in.varint();
    int64_t bounds[6] = {};
    bool shifted = false;
    uint64_t items = 1;
    for (uint64_t i = 0; i < dimensions; i++) {
        text.lengths[i] = text.in.varint();
        bounds[i] = text.in.zigzag();
        shifted |= bounds[i] != 1;
        items *= text.lengths[i];
    }
    bool vector = is_vector(type, dimensions);
    if (dimensions == 0 || items == 0) return out.append(vector ? "" : "{}"); // as array_out() does
    if (text.in.byte() != 0) text.nulls = text.in.bytes(bitmap_bytes(items)).data();
    if (vector) return text.append_vector();
    for (uint64_t i = 0; shifted && i < dimensions; i++) {
        out.append_byte('[');
        append_integer(out, bounds[i]);
        out.append_byte(':');
        append_integer(out, bounds[i] + static_cast<int64_t>(text.lengths[i]) - 1);
        out.append_byte(']');
    }
    if (shifted) out.append_byte('=');
    text.append_dimension(0, dimensions);
}

void append_field(Buffer &out, const Type &type, std::string_view bytes, size_t stop) {
    size_t start = out.size;
    append_text(out, type, bytes, stop);
    if (out.size <= stop && needs_quotes(out.view_from(start), "(),")) quote_from(out, start, '"');
}

void append_composite(Buffer &out, const Type &type, std::string_view body, size_t stop) {
    Cursor in(body);
    auto nulls = in.bytes(bitmap_bytes(type.fields.size()));
    out.append_byte('(');
    for (size_t i = 0; i < type.fields.size() && out.size <= stop; i++) {
        if (i != 0) out.append_byte(',');
        if (bit(nulls.data(), i)) continue;
        std::string_view bytes;
        parse_value(in, type.fields[i].type, bytes);
        append_field(out, type.fields[i].type, bytes, stop);
    }
    out.append_byte(')');
}

size_t utf8_characters(std::string_view text) {
    size_t count = 0;
    for (char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
    return count;
}

void append_text(Buffer &out, const Type &type, std::string_view bytes, size_t stop) {
    switch (type.kind) {
    case Kind::text:
    case Kind::numeric:
    case Kind::json:
    case Kind::jsonb:
        append_shown_text(out, bytes);
        return;
    case Kind::boolean:
        return out.append(bytes[0] != 0 ? "t" : "f");
    case Kind::int2:
    case Kind::int4:
    case Kind::int8:
        return append_integer(out, Cursor(bytes).zigzag());
    case Kind::float4:
        return append_float<float>(out, bytes, float_to_shortest_decimal_buf);
    case Kind::float8:
        return append_float<double>(out, bytes, double_to_shortest_decimal_buf);
    case Kind::date:
        return append_date(out, bytes);
    case Kind::time:
        return append_time_of_day(out, Cursor(bytes).zigzag());
    case Kind::timetz: {
        Cursor in(bytes);
        append_time_of_day(out, in.zigzag());
        return append_zone(out, in.zigzag());
    }
    case Kind::timestamp:
        return append_timestamp(out, bytes, ' ', "");
    case Kind::timestamptz:
        return append_timestamp(out, bytes, ' ', "+00");
    case Kind::uuid:
        return append_uuid(out, bytes);
    case Kind::bytea:
        out.append("\\x");
        return append_hex(out, bytes);
    case Kind::array:
        return append_array(out, type, bytes, stop);
    case Kind::composite:
        return append_composite(out, type, bytes, stop);
    }
}

// The types whose cast to text is not their output function: see pg_cast.
void append_cast(Buffer &out, const Type &type, std::string_view bytes, size_t stop) {
    if (type.kind == Kind::boolean) return out.append(bytes[0] != 0 ? "true" : "false");
    size_t start = out.size;
    append_text(out, type, bytes, stop);
    if (type.oid == character_n_oid)
        while (out.size > start && out.data[out.size - 1] == ' ') out.size--;
    if (type.oid == inet_oid && bytes.find('/') == std::string_view::npos)
        out.append(bytes.find(':') == std::string_view::npos ? "/32" : "/128");
}

} // namespace

void append_output_text(Buffer &out, const Type &type, std::string_view bytes) {
    append_text(out, type, bytes, std::numeric_limits<size_t>::max());
}

void append_cast_text(Buffer &out, const Type &type, std::string_view bytes) {
    append_cast(out, type, bytes, std::numeric_limits<size_t>::max());
}

void append_json_datetime(Buffer &out, Kind kind, std::string_view bytes) {
    if (kind == Kind::date) return append_date(out, bytes);
    append_timestamp(out, bytes, 'T', kind == Kind::timestamptz ? "+00:00" : "");
}

bool append_primary_key(Buffer &out, const Relation &relation, std::span<const Value> row) {
    if (relation.key.empty() || row.empty()) return false;
    for (uint16_t column : relation.key)
        if (row[column].state != Value::State::present) return false;
    size_t start = out.size;
    size_t stop = start + primary_key_bytes_max;
    if (relation.key.size() == 1) {
        uint16_t column = relation.key[0];
        append_cast(out, type_of(row[column], relation.columns[column].type), row[column].bytes,
                    stop);
    } else {
        for (size_t i = 0; i < relation.key.size(); i++) {
            out.append_byte(i == 0 ? '(' : ',');
            const Value &value = row[relation.key[i]];
            append_field(out, type_of(value, relation.columns[relation.key[i]].type), value.bytes,
                         stop);
        }
        out.append_byte(')');
    }
    if (out.size <= stop && utf8_characters(out.view_from(start)) <= primary_key_characters_max)
        return true;
    out.size = start;
    return false;
}

} // namespace waltrail::wire

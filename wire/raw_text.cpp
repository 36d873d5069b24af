#include "wire/raw_text.hpp"

namespace waltrail::wire {

namespace {

bool has_raw_names(const Type &type) {
    bool raw = type.element != nullptr && has_raw_names(*type.element);
    for (const Field &field : type.fields)
        raw |= is_raw_text(field.name) || has_raw_names(field.type);
    return raw;
}

} // namespace

bool has_raw_names(const Relation &relation) {
    bool raw = is_raw_text(relation.schema) || is_raw_text(relation.table) ||
               is_raw_text(relation.root_schema) || is_raw_text(relation.root_table);
    for (const Column &column : relation.columns)
        raw |= is_raw_text(column.name) || has_raw_names(column.type);
    return raw;
}

bool append_shown_text(Buffer &out, std::string_view text) {
    if (is_raw_text(text))
        append_escaped_bytes(out, bytes_of_raw_text(text));
    else
        out.append(text);
    return is_raw_text(text);
}

void append_escaped_bytes(Buffer &out, std::string_view bytes) {
    for (char c : bytes) {
        auto byte = static_cast<uint8_t>(c);
        if (c == '\\') out.append_byte('\\');
        if (byte != 0 && byte < 0x80) {
            out.append_byte(byte);
            continue;
        }
        out.append_byte('\\');
        out.append_byte(static_cast<uint8_t>('0' + (byte >> 6)));
        out.append_byte(static_cast<uint8_t>('0' + (byte >> 3 & 7)));
        out.append_byte(static_cast<uint8_t>('0' + (byte & 7)));
    }
}

} // namespace waltrail::wire

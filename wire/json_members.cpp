#include "wire/json_members.hpp"

#include "wire/memory.hpp"

namespace waltrail::wire {

namespace {

bool ends_value(char c) { return c == ',' || c == '}' || c == ']' || is_json_space(c); }

// Length of the string at the beginning, with both quotes.
size_t string_length(std::string_view text) {
    for (size_t i = 1; i < text.size(); i++) {
        if (text[i] == '"') return i + 1;
        if (text[i] == '\\') i++;
    }
    return text.size();
}

// Of an object or an array.
size_t nested_length(std::string_view text) {
    size_t depth = 0;
    for (size_t i = 0; i < text.size(); i++) {
        char c = text[i];
        if (c == '"') {
            i += string_length(slice(text, i, text.size() - i)) - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return text.size();
}

size_t value_length(std::string_view text) {
    if (text.empty()) return 0;
    if (text[0] == '"') return string_length(text);
    if (text[0] == '{' || text[0] == '[') return nested_length(text);
    size_t length = 0;
    while (length < text.size() && !ends_value(text[length])) length++;
    return length;
}

unsigned hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return 0;
}

// Takes a character off the text of a string. What is not ASCII, or has an escape of another kind, is no letter of a name that
// is looked for: some byte that is none.
char take_character(std::string_view &text) {
    char c = text[0];
    bool is_hex = text.size() >= 6 && c == '\\' && text[1] == 'u';
    unsigned code = 0;
    for (size_t i = 2; is_hex && i < 6; i++) code = code * 16 + hex_digit(text[i]);
    text.remove_prefix(is_hex ? 6 : 1);
    if (!is_hex) return c;
    return code < 0x80 ? static_cast<char>(code) : '\\';
}

} // namespace

JsonMembers::JsonMembers(std::string_view object) : left_(object) {
    skip_space();
    if (!left_.empty()) left_.remove_prefix(1);
}

void JsonMembers::skip_space() {
    while (!left_.empty() && is_json_space(left_[0])) left_.remove_prefix(1);
}

std::string_view JsonMembers::take_string() {
    std::string_view string = slice(left_, 0, string_length(left_));
    left_.remove_prefix(string.size());
    return string;
}

std::string_view JsonMembers::take_value() {
    std::string_view value = slice(left_, 0, value_length(left_));
    left_.remove_prefix(value.size());
    return value;
}

bool JsonMembers::next(JsonMember &member) {
    skip_space();
    if (!left_.empty() && left_[0] == ',') left_.remove_prefix(1);
    skip_space();
    if (left_.empty() || left_[0] != '"') return false;
    member.name = take_string();
    skip_space();
    if (left_.empty() || left_[0] != ':') return false;
    left_.remove_prefix(1);
    skip_space();
    member.value = take_value();
    member.text = {member.name.data(), static_cast<size_t>(left_.data() - member.name.data())};
    return true;
}

bool is_member_name(std::string_view written, std::string_view name) {
    if (written.size() < 2) return false;
    written = slice(written, 1, written.size() - 2);
    for (char expected : name)
        if (written.empty() || take_character(written) != expected) return false;
    return written.empty();
}

} // namespace waltrail::wire

#include "apply/record_text.hpp"

namespace waltrail {

namespace {

// Takes one field and leaves the comma or parenthesis behind it. In quotes, quotes and backslashes are doubled.
std::optional<std::string> take_field(std::string_view &text) {
    std::string field;
    bool is_quoted = false, had_quotes = false;
    size_t i = 0;
    for (; i < text.size(); i++) {
        char c = text[i];
        if (!is_quoted && (c == ',' || c == ')')) break;
        if (c == '"' && is_quoted && i + 1 < text.size() && text[i + 1] == '"') {
            field += text[++i];
        } else if (c == '"') {
            is_quoted = !is_quoted;
            had_quotes = true;
        } else if (c == '\\' && i + 1 < text.size()) {
            field += text[++i];
        } else {
            field += c;
        }
    }
    text.remove_prefix(i);
    if (field.empty() && !had_quotes) return std::nullopt;
    return field;
}

} // namespace

std::optional<std::vector<std::optional<std::string>>> record_fields(std::string_view text) {
    if (text.size() < 2 || text.front() != '(' || text.back() != ')') return std::nullopt;
    text.remove_prefix(1);
    std::vector<std::optional<std::string>> fields;
    for (;;) {
        fields.push_back(take_field(text));
        if (text.empty()) return std::nullopt;
        bool is_last = text.front() == ')';
        text.remove_prefix(1);
        if (is_last) break;
    }
    if (!text.empty()) return std::nullopt;
    return fields;
}

std::string text_array(const std::vector<std::optional<std::string>> &elements) {
    std::string literal = "{";
    for (const std::optional<std::string> &element : elements) {
        if (literal.size() > 1) literal += ',';
        if (!element) {
            literal += "NULL";
            continue;
        }
        literal += '"';
        for (char c : *element) {
            if (c == '"' || c == '\\') literal += '\\';
            literal += c;
        }
        literal += '"';
    }
    return literal + "}";
}

} // namespace waltrail

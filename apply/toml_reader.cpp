#include "apply/toml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace waltrail {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
}

void append_utf8(std::string &out, uint32_t code) {
    auto byte = [&out](uint32_t value) { out += static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6);
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3F));
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

class TomlReader {
  public:
    explicit TomlReader(std::string_view text) : rest_(text) {}

    std::vector<TomlSetting> read() {
        while (skip_to_content()) {
            if (rest_.front() == '[')
                read_table();
            else
                read_setting();
            end_line();
        }
        return std::move(settings_);
    }

  private:
    [[noreturn]] void fail(const std::string &problem) const { throw TomlProblem(line_, problem); }

    bool at(char c) const { return !rest_.empty() && rest_.front() == c; }

    bool take(char c) {
        if (!at(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    char take_any() {
        char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    void skip_blanks() {
        while (at(' ') || at('\t') || at('\r')) rest_.remove_prefix(1);
    }

    // Blanks, comments and ends of lines. Answers whether something follows.
    bool skip_to_content() {
        for (;;) {
            skip_blanks();
            if (at('#')) rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
            if (!take('\n')) return !rest_.empty();
            line_++;
        }
    }

    void end_line() {
        skip_blanks();
        if (!rest_.empty() && !at('#') && !at('\n')) fail("something follows the value");
    }

    std::string read_key() {
        if (at('"') || at('\'')) return read_string();
        size_t size = 0;
        while (size < rest_.size() && is_bare(rest_[size])) size++;
        if (size == 0) fail("a name was expected");
        std::string key(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return key;
    }

    std::vector<std::string> read_path() {
        std::vector<std::string> path;
        do {
            skip_blanks();
            path.push_back(read_key());
            skip_blanks();
        } while (take('.'));
        return path;
    }

    void read_table() {
        take('[');
        if (at('[')) fail("arrays of tables are not known here");
        table_ = read_path();
        if (!take(']')) fail("a table is written [name]");
    }

    void read_setting() {
        TomlSetting setting;
        setting.line = line_;
        setting.path = table_;
        for (auto &key : read_path()) setting.path.push_back(std::move(key));
        if (!take('=')) fail("a setting is written name = value");
        skip_blanks();
        if (at('['))
            read_array(setting.values);
        else
            setting.values.push_back(read_scalar());
        bool is_double = std::any_of(settings_.begin(), settings_.end(),
                                     [&](auto &other) { return other.path == setting.path; });
        if (is_double) fail(fmt::format("\"{}\" is set twice", setting.path.back()));
        settings_.push_back(std::move(setting));
    }

    void read_array(std::vector<std::string> &values) {
        take('[');
        for (;;) {
            if (!skip_to_content()) fail("an array is not closed");
            if (take(']')) return;
            values.push_back(read_scalar());
            bool more = skip_to_content() && take(',');
            if (!more && !at(']')) fail("the elements of an array are separated by commas");
        }
    }

    std::string read_scalar() {
        if (at('"') || at('\'')) return read_string();
        size_t size = 0;
        while (size < rest_.size() &&
               (is_bare(rest_[size]) || rest_[size] == '.' || rest_[size] == '+'))
            size++;
        std::string word(rest_.substr(0, size));
        if (word == "true" || word == "false" || is_number(word)) {
            rest_.remove_prefix(size);
            std::erase(word, '_');
            return word;
        }
        fail("a value is a string in quotes, a number, true, false, or an array of these");
    }

    static bool is_number(std::string_view word) {
        if (!word.empty() && (word.front() == '+' || word.front() == '-')) word.remove_prefix(1);
        return !word.empty() && is_digit(word.front()) &&
               std::all_of(word.begin(), word.end(),
                           [](char c) { return is_digit(c) || c == '_' || c == '.'; });
    }

    std::string read_string() {
        char quote = take_any();
        if (rest_.starts_with(std::string(2, quote)))
            fail("strings over several lines are not known here");
        std::string text;
        for (;;) {
            if (rest_.empty() || at('\n')) fail("a string is not closed");
            char c = take_any();
            if (c == quote) return text;
            if (c == '\\' && quote == '"')
                read_escape(text);
            else
                text += c;
        }
    }

    void read_escape(std::string &text) {
        constexpr std::string_view letters = "btnfr\"\\";
        constexpr std::string_view meanings = "\b\t\n\f\r\"\\";
        char c = rest_.empty() ? '\n' : take_any();
        if (size_t place = letters.find(c); place != std::string_view::npos)
            text += meanings[place];
        else if (c == 'u' || c == 'U')
            append_utf8(text, read_code(c == 'u' ? 4 : 8));
        else
            fail("an unknown escape stands in a string; in '…' a backslash is only that");
    }

    uint32_t read_code(size_t digits) {
        uint32_t code = 0;
        std::string_view word = rest_.substr(0, digits);
        auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), code, 16);
        bool is_character = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        if (word.size() < digits || end != word.data() + digits || !is_character)
            fail("an escape names no character");
        rest_.remove_prefix(digits);
        return code;
    }

    std::string_view rest_;
    size_t line_ = 1;
    std::vector<std::string> table_;
    std::vector<TomlSetting> settings_;
};

} // namespace

std::vector<TomlSetting> read_toml(std::string_view text) { return TomlReader(text).read(); }

} // namespace waltrail

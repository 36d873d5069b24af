// Any text, place and affix must be safe, and what is found must be what stands between the affixes of a comment. The text is
// then put where no comment of it may count (into literals of all kinds, behind --), and behind one that must win. (Whether the lexer
// sees comments as the server does is compared with the server's by tests/e2e/test_comment_finder.py.)
//
// The input: a byte whose lowest bit says whether strings conform, one with the affix's length in its lowest bits, two for each number of the place, the
// affix, the text.
#include "capture/sql_lexer.hpp"
#include "capture/statement_comment.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

using namespace waltrail;

constexpr size_t input_bytes_max = size_t{64} << 10;
constexpr size_t header_bytes = 6;

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

struct Input {
    std::string affix;
    StatementPlace place;
    bool conforming;

    std::string find(const std::string &text) const {
        return std::string(
            find_statement_comment(std::string_view(text), {0, 0}, affix, conforming));
    }
};

void check_found(std::string_view found, std::string_view text, const std::string &affix) {
    if (found.empty()) return;
    if (found.data() < text.data() || found.data() + found.size() > text.data() + text.size())
        fail("outside of the text");
    if (std::any_of(affix.begin(), affix.end(), is_sql_space))
        return; // not told from the space beside it
    if (is_sql_space(found.front()) || is_sql_space(found.back())) fail("space around the context");
    size_t start = static_cast<size_t>(found.data() - text.data());
    size_t end = start + found.size();
    bool space_before = start > 0 && is_sql_space(text[start - 1]);
    bool space_behind = end < text.size() && is_sql_space(text[end]);
    if (!space_before && found.front() != '{') fail("neither space nor { at the beginning");
    if (!space_behind && found.back() != '}') fail("neither space nor } at the end");
    while (start > 0 && is_sql_space(text[start - 1])) start--;
    while (end < text.size() && is_sql_space(text[end])) end++;
    if (!text.substr(0, start).ends_with("/*" + affix)) fail("no affix before the context");
    if (!text.substr(end).starts_with(affix + "*/")) fail("no affix behind the context");
}

std::string doubled(std::string text, std::string_view characters) {
    for (size_t at = 0; (at = text.find_first_of(characters, at)) != std::string::npos; at += 2)
        text.insert(at, 1, text[at]);
    return text;
}

std::string escaped(std::string text) {
    for (size_t at = 0; (at = text.find_first_of("'\\", at)) != std::string::npos; at += 2)
        text.insert(at, 1, '\\');
    return text;
}

// Not closed as well, for then a comment in it would be the last of the text.
void check_none_in(const Input &input, const std::string &opened, const char *closing,
                   const char *what) {
    if (input.find(opened).empty() && input.find(opened + closing).empty()) return;
    fail(what);
}

void check_hidden(const Input &input, const std::string &text) {
    if (text.find("$q$") == std::string::npos)
        check_none_in(input, "x $q$" + text, "$q$", "found in a dollar quote");
    if (text.find_first_of("\r\n") == std::string::npos)
        check_none_in(input, "x --" + text, "", "found in a line comment");
    check_none_in(input, "x \"" + doubled(text, "\""), "\"", "found in a quoted identifier");
    check_none_in(input, "x E'" + escaped(text), "'", "found in an escaped literal");
    check_none_in(input, "x '" + (input.conforming ? doubled(text, "'") : escaped(text)), "'",
                  "found in a literal");
}

// Affixes that are themselves parts of comments begin or end others.
bool is_plain(const std::string &affix) { return affix.find_first_of("/*") == std::string::npos; }

void check_first_wins(const Input &input, const std::string &text) {
    std::string comment = "/*" + input.affix + " {first} " + input.affix + "*/";
    auto find = [&](const std::string &statements, size_t location, size_t length) {
        StatementPlace place{static_cast<int>(location), static_cast<int>(length)};
        return find_statement_comment(std::string_view(statements), place, input.affix,
                                      input.conforming);
    };
    if (find(comment + "x " + text, 0, comment.size() + 1) != "{first}")
        fail("not found at the beginning");
    if (find(text + "\n;" + comment + "x;" + text, text.size() + 2, comment.size() + 1) !=
        "{first}")
        fail("not found behind another statement");
    if (!find("x;" + comment + "x " + text, 0, 1).empty()) fail("found before another statement");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < header_bytes || size > input_bytes_max) return 0;
    int16_t numbers[2];
    std::memcpy(numbers, data + 2, sizeof numbers);
    size_t affix_bytes = std::min<size_t>(data[1] & 7, size - header_bytes);
    const char *affix = reinterpret_cast<const char *>(data + header_bytes);
    Input input{{affix, affix_bytes}, {numbers[0], numbers[1]}, (data[0] & 1) != 0};

    // In a block of its own size, so that a read behind it is seen.
    size_t bytes = size - header_bytes - affix_bytes;
    std::unique_ptr<char[]> block(new char[bytes]);
    std::memcpy(block.get(), affix + affix_bytes, bytes);
    std::string_view text(block.get(), bytes);
    for (StatementPlace place : {input.place, StatementPlace{0, 0}})
        check_found(find_statement_comment(text, place, input.affix, input.conforming), text,
                    input.affix);
    check_hidden(input, std::string(text));
    if (!input.affix.empty() && is_plain(input.affix)) check_first_wins(input, std::string(text));
    return 0;
}

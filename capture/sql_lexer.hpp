// Where the tokens and block comments of a text of SQL begin and end, as PostgreSQL's own lexer (src/backend/parser/scan.l) sees
// them, for finding a comment without ever taking the inside of a literal for one. Written anew rather than called, because
// the server's lexer copies the text, allocates for each token and raises errors; this one only walks.
//
// What no caller asks for is left out: tokens have no kind and no value, white space and comments from -- to the end of
// the line are passed over, and an operator is a token for each of its characters. (Wherever -- or /* stands in a run of operator characters
// the server ends the operator and begins a comment, so that where the operators themselves end does not matter.)
//
// Any bytes are safe, and the walk ends at the end of the text. What the server refuses, such as 1e'…' or a literal that is not
// closed, comes as tokens of some form.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace waltrail {

// Space as PostgreSQL 16 and later have it. To 15, \v is a token that its grammar refuses.
inline bool is_sql_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The position of a byte at or after `at`, or the text's end.
size_t find_byte(std::string_view text, char c, size_t at);

enum class LexemeKind {
    token,
    semicolon,
    comment, // from /* to the */ that ends it; one that is never ended is a token
    end,     // of the text, for good
};

struct Lexeme {
    LexemeKind kind;
    size_t start;
    size_t end;
};

class SqlLexer {
  public:
    // `at` is where a token may begin. Of the text nothing is copied: it must outlive the lexer.
    SqlLexer(std::string_view text, size_t at, bool standard_conforming_strings)
        : text_(text), at_(at), standard_conforming_strings_(standard_conforming_strings) {}

    Lexeme next();

    // The last lexeme, or the space behind it, went up to the text's end.
    bool is_at_end() const { return at_ >= text_.size(); }

    // Goes to `to`, where a comment must begin, if nothing up to there can be a part of a literal, of a comment or a semicolon.
    // False where that is not sure at a glance.
    bool skip_plain(size_t to);

  private:
    // How a literal in single quotes is written. It stays so where the literal is continued on another line.
    enum class Quoting {
        plain,   // '' is a quote
        escaped, // and a backslash escapes
        digits,  // B'…' and X'…': the next quote ends it
    };

    bool stands_at(char c, size_t at) const { return at < text_.size() && text_[at] == c; }
    bool starts_pair(char first, char second) const {
        return stands_at(first, at_) && stands_at(second, at_ + 1);
    }

    bool skip_space();
    LexemeKind read_comment();
    void read_token();
    void read_word();
    void read_literal(Quoting quoting);
    void read_literal_part(Quoting quoting);
    void read_quoted(char quote);
    void read_dollar();

    std::string_view text_;
    size_t at_;
    bool standard_conforming_strings_;
};
static_assert(std::is_trivially_destructible_v<SqlLexer>);

} // namespace waltrail

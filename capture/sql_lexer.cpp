#include "capture/sql_lexer.hpp"

#include <cstdint>
#include <cstring>

namespace waltrail {

namespace {

bool is_newline(char c) { return c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Letters, _ and every byte beyond ASCII: dolq_start and ident_start.
bool starts_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<uint8_t>(c) >= 0x80;
}

// dolq_cont; an identifier may have $ as well.
bool continues_tag(char c) { return starts_word(c) || is_digit(c); }

// What a literal, a quoted identifier, a comment or a semicolon may begin with.
constexpr const char *beginnings = "'\";$-/";

} // namespace

size_t find_byte(std::string_view text, char c, size_t at) {
    if (at >= text.size()) return text.size();
    const void *found = std::memchr(text.data() + at, c, text.size() - at);
    return found != nullptr ? static_cast<size_t>(static_cast<const char *>(found) - text.data())
                            : text.size();
}

Lexeme SqlLexer::next() {
    skip_space();
    size_t start = at_;
    if (at_ >= text_.size()) return {LexemeKind::end, start, start};
    LexemeKind kind = LexemeKind::token;
    if (text_[at_] == ';') {
        kind = LexemeKind::semicolon;
        at_++;
    } else if (starts_pair('/', '*')) {
        kind = read_comment();
    } else {
        read_token();
    }
    return {kind, start, at_};
}

// Also over comments from -- to the end of the line. Returns whether there was a newline.
bool SqlLexer::skip_space() {
    bool newline = false;
    for (; at_ < text_.size(); at_++) {
        if (starts_pair('-', '-'))
            while (at_ < text_.size() && !is_newline(text_[at_])) at_++;
        if (at_ == text_.size() || !is_sql_space(text_[at_])) break;
        newline |= is_newline(text_[at_]);
    }
    return newline;
}

// Comments nest. What opens or ends one has an asterisk, and no character belongs to two of these marks.
LexemeKind SqlLexer::read_comment() {
    size_t from = at_ + 2;
    for (size_t depth = 1; depth > 0;) {
        size_t asterisk = find_byte(text_, '*', from);
        at_ = text_.size();
        if (asterisk == text_.size()) return LexemeKind::token;
        bool opens = asterisk > from && text_[asterisk - 1] == '/';
        bool ends = !opens && stands_at('/', asterisk + 1);
        from = asterisk + (ends ? 2 : 1);
        depth += opens;
        depth -= ends;
    }
    at_ = from;
    return LexemeKind::comment;
}

bool SqlLexer::skip_plain(size_t to) {
    if (to < at_ || !stands_at('/', to)) return false; // so that strcspn() ends there
    for (size_t at = at_; (at += strcspn(text_.data() + at, beginnings)) < to; at++) {
        char c = text_[at], next = text_[at + 1];
        bool is_plain = c == '\0' || (c == '$' && is_digit(next)) || (c == '-' && next != '-') ||
                        (c == '/' && next != '*');
        if (!is_plain) return false;
    }
    at_ = to;
    return true;
}

void SqlLexer::read_token() {
    char c = text_[at_];
    if (starts_word(c)) {
        read_word();
    } else if (is_digit(c)) {
        // No number goes on with $: 1$$…$$ is a number and a literal. The server refuses other letters than those of a number.
        while (at_ < text_.size() && continues_tag(text_[at_])) at_++;
    } else if (c == '\'') {
        read_literal(standard_conforming_strings_ ? Quoting::plain : Quoting::escaped);
    } else if (c == '"') {
        read_quoted('"');
    } else if (c == '$') {
        read_dollar();
    } else {
        at_++;
    }
}

// An identifier, or the letters that say what literal follows them. N'…' is to the server a keyword and a plain literal, and so it
// is here; U&"…" needs nothing but to be a word and then an operator and a quoted identifier.
void SqlLexer::read_word() {
    char first = static_cast<char>(text_[at_] | 0x20); // in lower case, of a letter
    bool quote_follows = stands_at('\'', at_ + 1);
    if (first == 'e' && quote_follows) {
        at_++;
        read_literal(Quoting::escaped);
    } else if ((first == 'b' || first == 'x') && quote_follows) {
        at_++;
        read_literal(Quoting::digits);
    } else if (first == 'u' && stands_at('&', at_ + 1) && stands_at('\'', at_ + 2)) {
        at_ += 2;
        read_literal(Quoting::plain);
    } else {
        while (at_ < text_.size() && (continues_tag(text_[at_]) || text_[at_] == '$')) at_++;
    }
}

// A literal goes on behind its closing quote where only space with a newline in it stands before another quote.
void SqlLexer::read_literal(Quoting quoting) {
    while (true) {
        read_literal_part(quoting);
        size_t end = at_;
        if (!skip_space() || !stands_at('\'', at_)) {
            at_ = end;
            return;
        }
    }
}

void SqlLexer::read_literal_part(Quoting quoting) {
    if (quoting == Quoting::plain) {
        read_quoted('\'');
        return;
    }
    for (at_++; at_ < text_.size(); at_++) {
        bool escapes = quoting == Quoting::escaped;
        if (text_[at_] == '\'' && !(escapes && stands_at('\'', at_ + 1))) break;
        // The quote of '' and the character behind a backslash, whichever it is.
        if (escapes && (text_[at_] == '\'' || text_[at_] == '\\')) at_++;
    }
    at_ = at_ < text_.size() ? at_ + 1 : text_.size();
}

// From the opening quote to behind the closing one, past those that are written twice.
void SqlLexer::read_quoted(char quote) {
    at_ = find_byte(text_, quote, at_ + 1);
    while (stands_at(quote, at_ + 1)) at_ = find_byte(text_, quote, at_ + 2);
    if (at_ < text_.size()) at_++;
}

// $tag$…$tag$ with or without a tag; else the $ alone, of a parameter or of what the server refuses.
void SqlLexer::read_dollar() {
    size_t tag_end = at_ + 1;
    if (tag_end < text_.size() && starts_word(text_[tag_end]))
        while (tag_end < text_.size() && continues_tag(text_[tag_end])) tag_end++;
    if (!stands_at('$', tag_end)) {
        at_++;
        return;
    }
    size_t tag_bytes = tag_end + 1 - at_;
    size_t inside = tag_end + 1;
    const void *closing =
        memmem(text_.data() + inside, text_.size() - inside, text_.data() + at_, tag_bytes);
    at_ = closing != nullptr
              ? static_cast<size_t>(static_cast<const char *>(closing) - text_.data()) + tag_bytes
              : text_.size();
}

} // namespace waltrail

#include "capture/statement_comment.hpp"

#include "capture/sql_lexer.hpp"

#include <cstring>

namespace waltrail {

namespace {

// A statement in its text.
struct Span {
    size_t start;
    size_t end;
};

// substr() without its exception, which the server library cannot throw.
std::string_view slice(std::string_view text, size_t start, size_t end) {
    return {text.data() + start, end - start};
}

Span span_of(std::string_view text, StatementPlace place) {
    size_t start = place.location > 0 ? static_cast<size_t>(place.location) : 0;
    if (start > text.size()) start = text.size();
    size_t rest = text.size() - start;
    size_t length = place.length > 0 ? static_cast<size_t>(place.length) : rest;
    return {start, start + (length < rest ? length : rest)};
}

// Whether -- stands before `at` in the same line, as far as it can be told from a few bytes.
bool may_be_in_line_comment(std::string_view text, size_t at) {
    constexpr size_t bytes_looked_at_max = 1024;
    for (size_t looked_at = 0; at > 0; at--, looked_at++) {
        char c = text[at - 1];
        if (c == '\n' || c == '\r') return false;
        if (looked_at == bytes_looked_at_max) return true;
        if (c == '-' && at > 1 && text[at - 2] == '-') return true;
    }
    return false;
}

// Where to begin to read for what stands before a statement. The beginning of the text is always right, but read again for each of its
// statements it would make a text of many take time in the square of its length. So it is the ; before the statement where nothing
// but space is between them and that ; is one for sure: no literal ends in ; and neither does a comment that ends in */. A comment from --
// may, but then it is followed by the end of its line.
size_t place_to_begin(std::string_view text, size_t start) {
    if (start > 0 && text[start - 1] == ';') return start;
    size_t at = start;
    while (at > 0 && is_sql_space(text[at - 1])) at--;
    bool sure = at > 0 && text[at - 1] == ';' && !may_be_in_line_comment(text, at - 1);
    return sure ? at : 0;
}

// The first /*AFFIX in the span, or its end. By the asterisk, which few statements that write have.
size_t find_opening(std::string_view text, Span span, std::string_view affix) {
    std::string_view searched = slice(text, 0, span.end);
    for (size_t at = span.start; (at = find_byte(searched, '*', at)) < span.end; at++) {
        bool opens = at > span.start && text[at - 1] == '/';
        if (opens && slice(searched, at + 1, span.end).starts_with(affix)) return at - 1;
    }
    return span.end;
}

// Empty unless the comment is one with a context.
std::string_view context_of(std::string_view comment, std::string_view affix) {
    std::string_view body = slice(comment, 2, comment.size() - 2);
    if (body.size() < 2 * affix.size() || !body.starts_with(affix) || !body.ends_with(affix))
        return {};
    std::string_view context = slice(body, affix.size(), body.size() - affix.size());
    if (context.empty() || !(is_sql_space(context.front()) || context.front() == '{') ||
        !(is_sql_space(context.back()) || context.back() == '}'))
        return {};
    while (!context.empty() && is_sql_space(context.front())) context.remove_prefix(1);
    while (!context.empty() && is_sql_space(context.back())) context.remove_suffix(1);
    return context;
}

class CommentSearch {
  public:
    CommentSearch(std::string_view text, Span statement, std::string_view affix)
        : text_(text), statement_(statement), affix_(affix) {}

    // Reads up to the statement's first token and over it.
    std::string_view before_tokens(SqlLexer &lexer) {
        std::string_view found;
        while (true) {
            Lexeme lexeme = lexer.next();
            switch (lexeme.kind) {
            case LexemeKind::comment:
                if (found.empty()) found = context_in(lexeme);
                break;
            case LexemeKind::token:
                if (lexeme.start >= statement_.start) return found;
                found = {};
                break;
            case LexemeKind::semicolon:
                found = {};
                break;
            case LexemeKind::end:
                return found;
            }
        }
    }

    // Reads from behind a token of the statement. A ; before the statement's end (BEGIN ATOMIC has them) is never its last token.
    std::string_view behind_tokens(SqlLexer &lexer) {
        std::string_view found;
        while (true) {
            Lexeme lexeme = lexer.next();
            bool outside = lexeme.start >= statement_.end;
            switch (lexeme.kind) {
            case LexemeKind::comment:
                if (found.empty()) found = context_in(lexeme);
                break;
            case LexemeKind::token:
                if (outside) return {};
                found = {};
                break;
            case LexemeKind::semicolon:
                if (outside && is_inside(found)) return found;
                break;
            case LexemeKind::end:
                return found;
            }
        }
    }

  private:
    std::string_view context_in(const Lexeme &comment) const {
        return context_of(slice(text_, comment.start, comment.end), affix_);
    }

    bool is_inside(std::string_view found) const {
        return !found.empty() && found.data() < text_.data() + statement_.end;
    }

    std::string_view text_;
    Span statement_;
    std::string_view affix_;
};

// No more than one, whatever semicolons stand around it.
bool is_only_statement(std::string_view text, bool standard_conforming_strings) {
    if (find_byte(text, ';', 0) == text.size()) return true;
    SqlLexer lexer(text, 0, standard_conforming_strings);
    bool has_begun = false, has_ended = false;
    while (true) {
        LexemeKind kind = lexer.next().kind;
        if (kind == LexemeKind::end) return true;
        if (kind == LexemeKind::token && has_ended) return false;
        has_begun |= kind == LexemeKind::token;
        has_ended |= kind == LexemeKind::semicolon && has_begun;
    }
}

bool is_known(StatementPlace place) { return place.location > 0 || place.length > 0; }

bool is_affix(std::string_view affix) {
    return !affix.empty() && affix.size() <= comment_affix_bytes_max;
}

struct Finding {
    std::string_view comment;
    bool looked_to_the_end; // of the text: more of it might have made a difference
};

Finding find_in_place(std::string_view text, Span statement, std::string_view affix,
                      bool standard_conforming_strings) {
    size_t begin = place_to_begin(text, statement.start);
    CommentSearch search(text, statement, affix);
    size_t opening = find_opening(text, {begin, statement.end}, affix);
    if (opening == statement.end) {
        SqlLexer behind(text, statement.end, standard_conforming_strings);
        std::string_view found = search.behind_tokens(behind);
        return {found, behind.is_at_end()};
    }
    SqlLexer lexer(text, begin, standard_conforming_strings);
    std::string_view found = search.before_tokens(lexer);
    if (found.empty()) {
        lexer.skip_plain(opening);
        found = search.behind_tokens(lexer);
    }
    return {found, lexer.is_at_end()};
}

// `text` may go on behind what is given of it, which holds all of the statement.
[[gnu::noinline]] Finding find(std::string_view text, StatementPlace place, std::string_view affix,
                               bool standard_conforming_strings) {
    Finding finding = find_in_place(text, span_of(text, place), affix, standard_conforming_strings);
    if (!finding.comment.empty() && !is_known(place) &&
        !is_only_statement(text, standard_conforming_strings))
        finding.comment = {};
    return finding;
}

// Most statements have none: asked first, in place.
inline bool holds_comment(std::string_view text, size_t start) {
    return find_byte(text, '*', place_to_begin(text, start)) < text.size();
}

} // namespace

std::string_view find_statement_comment(std::string_view text, StatementPlace place,
                                        std::string_view affix, bool standard_conforming_strings) {
    if (!is_affix(affix) || !holds_comment(text, span_of(text, place).start)) return {};
    return find(text, place, affix, standard_conforming_strings).comment;
}

std::string_view find_statement_comment(const char *text, StatementPlace place,
                                        std::string_view affix, bool standard_conforming_strings) {
    if (!is_affix(affix)) return {};
    size_t start = place.location > 0 ? static_cast<size_t>(place.location) : 0;
    size_t end = start;
    end += place.length > 0 ? static_cast<size_t>(place.length) : strlen(text + start);
    for (size_t ahead_max = 256;; ahead_max *= 16) {
        size_t ahead = place.length > 0 ? strnlen(text + end, ahead_max) : 0;
        bool is_cut = ahead == ahead_max;
        std::string_view in_sight(text, end + ahead);
        if (!is_cut && !holds_comment(in_sight, start)) return {};
        Finding finding = find(in_sight, place, affix, standard_conforming_strings);
        if (!is_cut || !finding.looked_to_the_end) return finding.comment;
    }
}

} // namespace waltrail

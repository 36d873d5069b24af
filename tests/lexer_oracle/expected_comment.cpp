#include "expected_comment.hpp"

#include <cstring>

namespace waltrail::oracle {

namespace {

constexpr const char *space = " \t\n\v\f\r";

bool only_semicolons_behind(const LexedText &lexed, int last) {
    int token = last + 1;
    while (token < lexed.token_count && lexed.tokens[token].semicolon) token++;
    return token == lexed.token_count;
}

bool is_of(const Comment &comment, const LexedText &lexed, Statement statement) {
    bool before = comment.gap == statement.first;
    bool behind = comment.gap == statement.last + 1;
    bool at_the_end = comment.gap > statement.last && only_semicolons_behind(lexed, statement.last);
    return before || behind || at_the_end;
}

std::string_view context_of(const LexedText &lexed, const Comment &comment, const char *affix) {
    int affix_bytes = static_cast<int>(strlen(affix));
    int start = comment.start + 2 + affix_bytes;
    int end = comment.end - 2 - affix_bytes;
    if (end <= start) return {};
    if (memcmp(lexed.text + comment.start + 2, affix, affix_bytes) != 0) return {};
    if (memcmp(lexed.text + end, affix, affix_bytes) != 0) return {};
    if (lexed.text[start] != '{' && strchr(space, lexed.text[start]) == nullptr) return {};
    if (lexed.text[end - 1] != '}' && strchr(space, lexed.text[end - 1]) == nullptr) return {};
    while (start < end && strchr(space, lexed.text[start]) != nullptr) start++;
    while (start < end && strchr(space, lexed.text[end - 1]) != nullptr) end--;
    return {lexed.text + start, static_cast<size_t>(end - start)};
}

} // namespace

std::string_view expected_comment(const LexedText &lexed, Statement statement, const char *affix) {
    for (int i = 0; i < lexed.comment_count; i++) {
        if (!is_of(lexed.comments[i], lexed, statement)) continue;
        std::string_view context = context_of(lexed, lexed.comments[i], affix);
        if (!context.empty()) return context;
    }
    return {};
}

} // namespace waltrail::oracle

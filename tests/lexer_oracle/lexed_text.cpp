#include "lexed_text.hpp"

extern "C" {
#include "postgres.h"

#include "parser/scanner.h"
#include "utils/memutils.h"

// Made by flex, and declared by no header of the server.
char *core_yyget_text(core_yyscan_t scanner);
int core_yyget_leng(core_yyscan_t scanner);
}

namespace waltrail::oracle {

namespace {

// Comments nest: the one that begins at `at` ends behind the returned position.
int skip_comment(const char *text, int at) {
    at += 2;
    while (strncmp(text + at, "*/", 2) != 0)
        at = strncmp(text + at, "/*", 2) == 0 ? skip_comment(text, at) : at + 1;
    return at + 2;
}

// All that the lexer passes over without a word: space and comments, and nothing else.
void add_comments(LexedText &lexed, int start, int end) {
    const char *text = lexed.text;
    for (int at = start; at < end;) {
        if (strncmp(text + at, "--", 2) == 0) {
            at += static_cast<int>(strcspn(text + at, "\r\n"));
        } else if (strncmp(text + at, "/*", 2) == 0) {
            int behind = skip_comment(text, at);
            lexed.comments[lexed.comment_count++] = {at, behind, lexed.token_count};
            at = behind;
        } else if (strchr(" \t\n\r\f", text[at]) != nullptr) {
            at++;
        } else {
            elog(ERROR, "byte %d is in no token and is no space: %s", at, text);
        }
    }
}

// Where the token ends is where the lexer goes on: behind yytext, for a literal, too, whose last yytext is empty.
void read_tokens(core_yyscan_t scanner, const char *scanned, LexedText &lexed) {
    core_YYSTYPE value;
    int start;
    int gap = 0;
    while (int token = core_yylex(&value, &start, scanner)) {
        int end = static_cast<int>(core_yyget_text(scanner) + core_yyget_leng(scanner) - scanned);
        add_comments(lexed, gap, start);
        lexed.tokens[lexed.token_count++] = {start, end, token == ';'};
        gap = end;
    }
    add_comments(lexed, gap, static_cast<int>(strlen(lexed.text)));
}

} // namespace

bool lex_as_the_server(const char *text, bool standard_conforming_strings, LexedText &lexed) {
    size_t most = strlen(text) + 1;
    lexed = {text, static_cast<Token *>(palloc(most * sizeof(Token))), 0,
             static_cast<Comment *>(palloc(most * sizeof(Comment))), 0};
    MemoryContext context = CurrentMemoryContext;
    volatile bool accepted = false;
    PG_TRY();
    {
        core_yy_extra_type extra;
        core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
        extra.standard_conforming_strings = standard_conforming_strings;
        extra.escape_string_warning = false;
        read_tokens(scanner, extra.scanbuf, lexed);
        scanner_finish(scanner);
        accepted = true;
    }
    PG_CATCH();
    {
        if (geterrcode() == ERRCODE_INTERNAL_ERROR) PG_RE_THROW(); // of add_comments()
        MemoryContextSwitchTo(context);
        FlushErrorState();
    }
    PG_END_TRY();
    return accepted;
}

} // namespace waltrail::oracle

// A text as the server's own lexer takes it apart: its tokens, and the comments in the gaps between them.
#pragma once

namespace waltrail::oracle {

struct Token {
    int start;
    int end;
    bool semicolon;
};

struct Comment {
    int start;
    int end;
    int gap; // the number of tokens before it
};

// Arrays in the memory context of the call.
struct LexedText {
    const char *text;
    Token *tokens;
    int token_count;
    Comment *comments;
    int comment_count;
};

// Returns whether the lexer accepts the text. The memory that it takes is not given back one by one: reset the memory context.
bool lex_as_the_server(const char *text, bool standard_conforming_strings, LexedText &lexed);

} // namespace waltrail::oracle

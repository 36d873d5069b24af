// The context that clients without a setting of their own put into a comment of their statement, as ORMs' plugins do:
//
//   INSERT INTO t VALUES (1) /*Bemi {"user_id": 7} Bemi*/
//
// Runs for each statement that writes: a text without such a comment costs one search for its beginning.
#pragma once

#include <cstddef>
#include <string_view>

namespace waltrail {

// Where in the client's text the statement stands, in bytes, as PlannedStmt has it (stmt_location, stmt_len): with a length of 0 it
// goes to the end of the text. It begins behind the ; of the statement before it (PostgreSQL 15 to 17) or at its first token (18), and
// ends before its own ;.
//
// Of what a rule does, and to 17 of a cursor's query, the place is not known: a location of -1 or 0 and no length. It is
// that of the whole text where this holds one statement; where it holds several, no comment is known to be the statement's.
struct StatementPlace {
    int location;
    int length;
};

// Longer ones are never found.
inline constexpr size_t comment_affix_bytes_max = 63;

// Returns what stands in /*AFFIX context AFFIX*/ without the white space around it, as a part of `text`; empty where there is no such
// comment, and for an empty affix. Whether it is JSON is not looked at.
//
// The affix follows /* at once, then white space or {; the second stands right before */, behind white space or }. Comments nest,
// so that a comment inside the context is a part of it. One without a context does not count.
//
// A comment is the statement's if it is in one of these places; the first one in the text wins:
//   before its first token        but behind the ; of the statement before it
//   behind its last token         before its ;
//   behind its ;                  if no other statement follows: clients append the comment to a text that ends in ;
//
// `standard_conforming_strings` as it was when the server parsed the text.
std::string_view find_statement_comment(std::string_view text, StatementPlace place,
                                        std::string_view affix, bool standard_conforming_strings);

// Of a text that ends in a zero byte and holds `place`, as the server's own do. No more of it is measured or read than is needed to find
// what follows the statement: measured whole for each of its statements, a text of many would take time in the square of its length.
std::string_view find_statement_comment(const char *text, StatementPlace place,
                                        std::string_view affix, bool standard_conforming_strings);

} // namespace waltrail

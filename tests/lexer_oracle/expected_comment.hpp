// Which comment is a statement's, said once more and in another way than by the finder: from the whole of the text's tokens.
#pragma once

#include "lexed_text.hpp"

#include <string_view>

namespace waltrail::oracle {

// The numbers of a statement's first and last token. Both are no semicolons, and semicolons or nothing stand around them.
struct Statement {
    int first;
    int last;
};

// The context as a part of the text; empty when there is none.
std::string_view expected_comment(const LexedText &lexed, Statement statement, const char *affix);

} // namespace waltrail::oracle

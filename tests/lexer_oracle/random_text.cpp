#include "random_text.hpp"

#include <cstring>
#include <iterator>

namespace waltrail::oracle {

namespace {

// What the server mostly accepts, so that enough texts are accepted as a whole.
constexpr const char *whole[] = {
    "/*Bemi {} Bemi*/",
    "/*Bemi{\"a\": \"it's\"}Bemi*/",
    "/*Bemi x Bemi*/",
    "/*Bemi\n{\"a\": \"$$ -- \\\"\"}\tBemi*/",
    "/*Bemi /* Bemi */ Bemi*/",
    "/*Bemi /*Bemi {} Bemi*/ Bemi*/",
    "/*/*Bemi {} Bemi*/*/",
    "/* Bemi {} Bemi*/",
    "/*Bemi {}*/",
    "/*Bemi Bemi*/",
    "/*BemiBemi*/",
    "/*Bemi*/",
    "/***/",
    "/**/",
    "/*;*/",
    "-- /*Bemi {} Bemi*/\n",
    "--;\n",
    "--'\r",
    "'/*Bemi {} Bemi*/'",
    "''",
    "'a;'",
    "'\\\\'",
    "E'\\''",
    "e'\\\\'",
    "E'a'\n'\\''",
    "'a' -- '\n '--'",
    "N'a'",
    "B'01'",
    "X'1f'",
    "B''''",
    "U&'\\0061'",
    "U&\"a\\\"",
    "\"a\"\"'\"",
    "\"--\"",
    "$$'$$",
    "$a$ $$ $b$ $a$",
    "$a$/*Bemi {} Bemi*/$a$",
    "$\xC3\xA9$;$\xC3\xA9$",
    "a$b$",
    "$1",
    "\xC3\xA9",
    "e",
    "insert",
    "1",
    "1.5e+3",
    "1..2",
    ".5",
    ";",
    ";",
    ";",
    " ",
    "\n",
    " ;\n",
    "=-",
    "@-",
    "+",
    "<>",
    "::",
    ":=",
    "(",
    ",",
};

constexpr const char *broken[] = {
    "'",    "'",    "''",       "\"",       "E'",     "e'",      "U&'", "u&'", "U&\"", "U&",
    "u",    "N'",   "n'",       "B'",       "X'",     "x'",      "b",   "e",   "E",    "\\",
    "\\'",  "$",    "$$",       "$a$",      "$a",     "$1",      "a$",  "a",   "_",    "\xC3\xA9",
    "\xE9", "/*",   "/*",       "*/",       "*/",     "/",       "*",   "-",   "--",   "+",
    "<",    "=",    "@",        "!",        "&",      "|",       "%",   "?",   "#",    "^",
    "`",    "~",    ":",        ".",        "1",      "0",       "1e",  "1e+", "1.",   "0x1f",
    "1_0",  ";",    ";",        " ",        " ",      "\t",      "\n",  "\n",  "\r",   "\f",
    "--\n", "Bemi", "/*Bemi",   "/*Bemi ",  "Bemi*/", " Bemi*/", "{",   "}",   "[",    "(",
    ",",    "{}",   "/*Bemi {", "} Bemi*/", "/*/",    "*/*",     "//*", "-/*", "--*/", "*--",
};

// \v is space from PostgreSQL 16 on, but not in 15.
char random_byte(Random &random) {
    char byte = static_cast<char>(1 + random.below(255));
    return byte == '\v' ? ' ' : byte;
}

} // namespace

void write_random_text(Random &random, char (&text)[text_bytes_max]) {
    constexpr int pieces_max = 40;
    constexpr size_t piece_bytes_max = 64;
    static_assert(pieces_max * piece_bytes_max < text_bytes_max);
    // One in so many pieces is broken.
    constexpr int rarity[] = {1, 2, 4, 10, 1000};
    int broken_in = rarity[random.below(std::size(rarity))];
    int pieces = 1 + random.below(1 + random.below(pieces_max));
    char *at = text;
    for (int piece = 0; piece < pieces; piece++) {
        if (random.once_in(100)) {
            *at++ = random_byte(random);
            continue;
        }
        const char *added = random.once_in(broken_in) ? broken[random.below(std::size(broken))]
                                                      : whole[random.below(std::size(whole))];
        size_t bytes = strlen(added);
        memcpy(at, added, bytes);
        at += bytes;
    }
    *at = '\0';
}

} // namespace waltrail::oracle

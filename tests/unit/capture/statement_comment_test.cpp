#include "capture/statement_comment.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace waltrail {
namespace {

constexpr std::string_view c = "/*Bemi {} Bemi*/";

bool holds(std::string_view text, StatementPlace place) {
    size_t start = place.location > 0 ? static_cast<size_t>(place.location) : 0;
    size_t bytes = place.length > 0 ? static_cast<size_t>(place.length) : 0;
    return start + bytes <= text.size() && text.find('\0') == text.npos;
}

// What is found in the text whose end is known must be found where it has to be looked for.
std::string found(std::string_view text, StatementPlace place = {0, 0}, bool conforming = true) {
    std::string copy(text), result(find_statement_comment(text, place, "Bemi", conforming));
    if (holds(text, place)) {
        EXPECT_EQ(find_statement_comment(copy.c_str(), place, "Bemi", conforming), result) << text;
    }
    return result;
}

// What is found for the statement that begins with the first `start` in the text and goes to `end`. It must be the same for the place
// behind the ; before it, which PostgreSQL 15 to 17 give, and for that of its first token, which 18 does.
std::string found_for(std::string_view text, std::string_view start, std::string_view end = ";") {
    size_t token = text.find(start);
    size_t behind_semicolon = text.rfind(';', token) + 1; // 0 where there is none
    size_t to = text.find(end, token);
    auto from = [&](size_t at) {
        bool open = to == std::string_view::npos;
        return found(text, {static_cast<int>(at), open ? 0 : static_cast<int>(to - at)});
    };
    EXPECT_EQ(from(token), from(behind_semicolon)) << text;
    return from(behind_semicolon);
}

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (std::string_view part : parts) text.append(part);
    return text;
}

TEST(StatementComment, stands_before_or_behind_the_statement) {
    EXPECT_EQ(found("/*Bemi {\"a\": 1} Bemi*/ INSERT INTO t VALUES (1)"), "{\"a\": 1}");
    EXPECT_EQ(found("INSERT INTO t VALUES (1) /*Bemi {\"a\": 1} Bemi*/"), "{\"a\": 1}");
    EXPECT_EQ(found_for("INSERT INTO t VALUES (1) /*Bemi {} Bemi*/;", "INSERT"), "{}");
    EXPECT_EQ(found_for("INSERT INTO t VALUES (1);/*Bemi {} Bemi*/", "INSERT"), "{}");
    EXPECT_EQ(found_for("INSERT INTO t VALUES (1); ;-- end\n/* */ /*Bemi {} Bemi*/;;\n", "INSERT"),
              "{}");
    EXPECT_EQ(found_for("; ;\n-- first\n/* */ /*Bemi {} Bemi*/ -- x\n /* */ INSERT", "INSERT"),
              "{}");
}

TEST(StatementComment, does_not_count_between_tokens) {
    EXPECT_EQ(found("INSERT INTO t /*Bemi {} Bemi*/ VALUES (1)"), "");
    EXPECT_EQ(found("INSERT/*Bemi {} Bemi*/;x", {0, 0}), "");
    EXPECT_EQ(found("INSERT INTO t /*Bemi 1 Bemi*/ VALUES (1) /*Bemi 2 Bemi*/"), "2");
}

TEST(StatementComment, of_several_the_first_wins) {
    EXPECT_EQ(found("/*Bemi 1 Bemi*/ /*Bemi 2 Bemi*/ DELETE FROM t /*Bemi 3 Bemi*/"), "1");
    EXPECT_EQ(found_for("DELETE FROM t /*Bemi 1 Bemi*/ /*Bemi 2 Bemi*/; /*Bemi 3 Bemi*/", "DELETE"),
              "1");
    EXPECT_EQ(found_for("DELETE FROM t; /*Bemi 1 Bemi*/; /*Bemi 2 Bemi*/", "DELETE"), "1");
}

TEST(StatementComment, belongs_to_the_statement_that_it_precedes) {
    std::string_view text =
        "/*Bemi 1 Bemi*/ one; /*Bemi 2 Bemi*/ two /*Bemi 3 Bemi*/; three; four; /*Bemi 4 Bemi*/";
    EXPECT_EQ(found_for(text, "one"), "1");
    EXPECT_EQ(found_for(text, "two"), "2");
    EXPECT_EQ(found_for(text, "three"), "");
    EXPECT_EQ(found_for(text, "four"), "4");
    EXPECT_EQ(found_for("one; /*Bemi 2 Bemi*/ two", "one"), "");
    EXPECT_EQ(found_for("one /*Bemi 1 Bemi*/;two", "one"), "1");
    EXPECT_EQ(found_for("one /*Bemi 1 Bemi*/;two", "two"), "");
}

TEST(StatementComment, is_found_behind_statements_that_hold_semicolons) {
    std::string_view text = "one; CREATE PROCEDURE p() BEGIN ATOMIC two /*Bemi 1 Bemi*/; END "
                            "/*Bemi 2 Bemi*/; three";
    EXPECT_EQ(found_for(text, "CREATE", "; three"), "2");
    EXPECT_EQ(found_for(text, "three"), "");
    EXPECT_EQ(found("one; /*Bemi 1 Bemi*/ CREATE PROCEDURE p() BEGIN ATOMIC two; END", {4, 0}),
              "1");
}

TEST(StatementComment, semicolon_in_a_line_comment_begins_no_statement) {
    std::string_view text = "one; /*Bemi 1 Bemi*/ -- two;\nINSERT";
    EXPECT_EQ(found(text, {4, 0}), "1");
    EXPECT_EQ(found(text, {29, 0}), "1");
    std::string long_line =
        joined({"one; /*Bemi 1 Bemi*/ --", std::string(5000, 'x'), ";\n INSERT"});
    EXPECT_EQ(found(long_line, {static_cast<int>(long_line.find("INSERT")), 0}), "1");
}

TEST(StatementComment, place_that_is_not_known_means_the_whole_text_of_one_statement) {
    EXPECT_EQ(found("INSERT /*Bemi {} Bemi*/", {-1, 0}), "{}");
    EXPECT_EQ(found(" ; /*Bemi {} Bemi*/ ; INSERT ';' ; ;", {-1, 0}), "");
    EXPECT_EQ(found("/*Bemi {} Bemi*/ INSERT ';' ; ;", {-1, 0}), "{}");
    EXPECT_EQ(found("INSERT ';'; /*Bemi {} Bemi*/ -- ;", {0, 0}), "{}");
    for (const char *several :
         {"/*Bemi {} Bemi*/ one; two", "one; two /*Bemi {} Bemi*/", ";one; two; /*Bemi {} Bemi*/"})
        for (int location : {-1, 0}) EXPECT_EQ(found(several, {location, 0}), "") << several;
    EXPECT_EQ(found("INSERT /*Bemi {} Bemi*/;", {-1, 0}), "{}");
    EXPECT_EQ(found("/*Bemi {} Bemi*/ INSERT", {-1, -1}), "{}");
}

TEST(StatementComment, place_outside_of_the_text_is_survived) {
    EXPECT_EQ(found("INSERT /*Bemi {} Bemi*/", {5, 2'000'000'000}), "{}");
    found("INSERT /*Bemi {} Bemi*/", {2'000'000'000, 2'000'000'000});
    EXPECT_EQ(found("", {0, 0}), "");
    EXPECT_EQ(found("", {3, 3}), "");
}

TEST(StatementComment, begins_and_ends_with_the_affix) {
    EXPECT_EQ(found("x /*Bemi{}Bemi*/"), "{}");
    EXPECT_EQ(found("x /*Bemi\n\t not JSON \r\n Bemi*/"), "not JSON");
    for (const char *text :
         {"x /* Bemi {} Bemi*/", "x /*Bemi {} Bemi */", "x /*Bemi {} bemi*/", "x /*bemi {} Bemi*/",
          "x /*Bemi {}*/", "x /*{} Bemi*/", "x /*Bemix {} Bemi*/", "x /*Bemi {} xBemi*/",
          "x /*Bemi[1]Bemi*/", "x /*Bemi*/", "x /*BemiBemi*/", "x /*Bemi Bemi*/",
          "x --Bemi {} Bemi", "x --/*Bemi {} Bemi*/", "x /*Bemi {} Bemi", "x /*Bemi {} Bemi*",
          "x /*Bem*/", "x /**/", "x /*"})
        EXPECT_EQ(found(text), "") << text;
}

TEST(StatementComment, without_a_context_leaves_the_place_to_the_next) {
    EXPECT_EQ(found("/*Bemi Bemi*/ x /*Bemi {} Bemi*/"), "{}");
}

TEST(StatementComment, affix_is_anything_up_to_its_limit) {
    EXPECT_EQ(find_statement_comment("/*+ {} +*/ x", {0, 0}, "+", true), "{}");
    EXPECT_EQ(find_statement_comment("x /*é ü é*/", {0, 0}, "é", true), "ü");
    EXPECT_EQ(find_statement_comment("x /* {} */", {0, 0}, "", true), "");
    for (size_t bytes : {comment_affix_bytes_max, comment_affix_bytes_max + 1}) {
        std::string affix(bytes, 'a');
        std::string text = joined({"x /*", affix, " {} ", affix, "*/"});
        EXPECT_EQ(find_statement_comment(text, {0, 0}, affix, true),
                  bytes == comment_affix_bytes_max ? "{}" : "");
    }
}

TEST(StatementComment, holds_what_clients_write) {
    for (const char *json :
         {R"({"a": {"b": [{"c": "it's \"quoted\""}]}})", R"({"a": "$$ $x$ -- ; E'\\'"})",
          R"({"a": "*\/ Bemi*\/"})", R"({"a": "/* nested */ /* Bemi /* {} */ Bemi*/"})",
          "{\"a\": \"größe\"}", R"({"a": "Bemi"})"}) {
        EXPECT_EQ(found(joined({"INSERT /*Bemi ", json, " Bemi*/;"}), {0, 6}), json);
        EXPECT_EQ(found(joined({"/*Bemi ", json, " Bemi*/ INSERT"})), json);
    }
}

TEST(StatementComment, is_not_found_inside_of_another_comment) {
    EXPECT_EQ(found("x /* /*Bemi {} Bemi*/ */"), "");
    EXPECT_EQ(found("x /* /* */ /*Bemi {} Bemi*/"), "");
    EXPECT_EQ(found("x /*/ /*Bemi {} Bemi*/"), "");
    EXPECT_EQ(found("x /*Bemi /* {} Bemi*/"), "");
    EXPECT_EQ(found("x /***//*Bemi {} Bemi*/"), "{}");
    EXPECT_EQ(found("x --- /*\n/*Bemi {} Bemi*/"), "{}");
    EXPECT_EQ(found("x -- /*\r/*Bemi {} Bemi*/"), "{}");
}

// A text whose first part is one token, or several that hide no comment; then the comment would be found.
void expect_hidden(std::string_view before, std::string_view after, bool conforming = true) {
    EXPECT_EQ(found(joined({before, c, after}), {0, 0}, conforming), "") << before;
    EXPECT_EQ(found(joined({before, after, c}), {0, 0}, conforming), "{}") << before;
}

TEST(StatementComment, is_not_found_inside_of_literals) {
    for (const char *prefix : {"", "E", "e", "N", "n", "B", "b", "X", "x", "U&", "u&"})
        expect_hidden(joined({prefix, "'"}), "'");
    for (const char *opening :
         {"'''", "'a''b", "'\n", "E'\\'", "E'\\\\\\'", "E'''", "e'\\\n", "U&'\\", "'a'\n'",
          "'a' -- '\n'", "E'a'\n -- '\n 'it\\'s ", "B'0'\r'1", "'a'\n--b'\n--c'\n'd", "+E'\\'",
          "1 E'\\'", "\"a\"E'\\'"})
        expect_hidden(opening, "'");
    for (const char *opening : {"\"", "\"\"\"", "U&\"", "u&\"\\", "\"'", "\"a\n"})
        expect_hidden(opening, "\"");
}

TEST(StatementComment, is_not_found_inside_of_dollar_quotes) {
    expect_hidden("$$", "$$");
    expect_hidden("$a$ $$ ' ", "$a$");
    expect_hidden("$a$ $b$ $aa$", "$a$");
    expect_hidden("$_1é$ $_1", "$_1é$");
    expect_hidden("1$a$", "$a$");
    expect_hidden("$1$a$", "$a$");
    expect_hidden("'x'$a$", "$a$");
    expect_hidden("+$a$", "$a$");
    expect_hidden("$$ $b$", "$b$x$$");
}

TEST(StatementComment, is_found_behind_what_looks_like_the_start_of_a_literal) {
    for (const char *before :
         {"a$b$",   "a$$", "é$$",    "$1",    "$1 $",      "$",       "a'b'E", "'a' ",  "'it''s'",
          "'\\'",   "B''", "U&'\\'", "N'\\'", "'a'\n'\\'", "ae'\\'",  "$$'$$", "\"'\"", "1",
          "1.5e+3", ".5",  "1..2",   "a-",    "@-",        "+",       "*",     "/",     "=-",
          "<>",     "::",  ":=",     "-",     "'a'\n-",    "$a$b$a$", "x\\",   "1e-"})
        EXPECT_EQ(found(joined({before, c})), "{}") << before;
    EXPECT_EQ(found(joined({"'a' '", c, "'"})), "");
    EXPECT_EQ(found(joined({"B'''", c, "'"})), "");
    EXPECT_EQ(found(joined({"B'\\''", c, "'"})), "");
}

TEST(StatementComment, backslashes_escape_in_every_literal_where_strings_do_not_conform) {
    expect_hidden("'\\'", "'", false);
    expect_hidden("N'\\'", "'", false);
    expect_hidden("'a'\n'\\'", "'", false);
    EXPECT_EQ(found(joined({"B'\\'", c}), {0, 0}, false), "{}");
    EXPECT_EQ(found(joined({"\"\\\"", c}), {0, 0}, false), "{}");
}

TEST(StatementComment, what_is_not_closed_ends_with_the_text) {
    for (const char *opening :
         {"'",    "E'", "E'\\", "'a'\n'", "\"", "\"\"", "$$", "$a$", "$a",  "/*",
          "/*/*", "B'", "U&'",  "U&\"",   "U&", "u",    "--", "'''", "E''", "''"}) {
        found(joined({c, opening}));
        EXPECT_EQ(found(joined({"x ", c, " x", opening})), "") << opening;
    }
}

TEST(StatementComment, zeros_are_bytes_like_others) {
    EXPECT_EQ(found(std::string_view("x '\0' /*Bemi \0 Bemi*/", 21)), std::string(1, '\0'));
    EXPECT_EQ(found(std::string_view("\0/*Bemi {} Bemi*/\0", 18)), "");
}

TEST(StatementComment, a_text_of_comments_alone_is_survived) {
    EXPECT_EQ(found("/*Bemi {} Bemi*/"), "{}");
    EXPECT_EQ(found(" ; ; "), "");
}

TEST(StatementComment, may_be_long_in_a_long_text) {
    std::string context = joined({"{\"a\": \"", std::string(1 << 20, '/'), "\"}"});
    std::string values = "INSERT INTO t VALUES ('a', 1)";
    while (values.size() < (2 << 20)) values += ", ('it''s', E'it\\'s', $$/*Bemi {} Bemi*/$$, 1.5)";
    std::string comment = joined({"/*Bemi ", context, " Bemi*/"});
    EXPECT_TRUE(found(joined({comment, values})) == context);
    EXPECT_TRUE(found(joined({values, comment})) == context);
    EXPECT_EQ(found(joined({values, comment, ")"})), "");
    EXPECT_EQ(found(values), "");
}

TEST(StatementComment, is_found_however_far_behind_the_statement) {
    for (size_t bytes : {254, 255, 256, 257, 4095, 4096, 70'000})
        for (std::string_view filling : {" ", ";", "\n--'\n", "/* x */", "/*/**/*/"}) {
            std::string between = "/* " + std::string(bytes / 2, 'x') + " */";
            while (between.size() < bytes) between += filling;
            EXPECT_EQ(found(joined({"one;", between, c}), {0, 3}), "{}") << bytes << filling;
            EXPECT_EQ(found(joined({"one;", between, c, "two"}), {0, 3}), "") << bytes << filling;
            EXPECT_EQ(found(joined({c, "one;", between, "two"}), {0, 19}), "{}")
                << bytes << filling;
        }
}

// Of two pages, of which the second must not be touched.
class GuardedText {
  public:
    explicit GuardedText(std::string_view start)
        : page_bytes_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
          pages_(static_cast<char *>(mmap(nullptr, 2 * page_bytes_, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        std::memset(pages_, 'x', page_bytes_);
        start.copy(pages_, start.size());
        mprotect(pages_ + page_bytes_, page_bytes_, PROT_NONE);
    }
    ~GuardedText() { munmap(pages_, 2 * page_bytes_); }
    const char *text() const { return pages_; }

  private:
    size_t page_bytes_;
    char *pages_;
};

TEST(StatementComment, reads_no_further_than_the_statement_behind_it) {
    for (const char *start : {"one;two ", "one /*Bemi 1 Bemi*/; /* */\n--;\n/*Bemi 2 Bemi*/ two ",
                              "one * 1 ; ;\n two ", "one /* */ *;two "}) {
        GuardedText guarded(start);
        int length = static_cast<int>(strcspn(start, ";"));
        std::string expected = strstr(start, "Bemi 1") != nullptr ? "1" : "";
        EXPECT_EQ(find_statement_comment(guarded.text(), {0, length}, "Bemi", true), expected);
    }
}

TEST(StatementComment, deep_nesting_takes_no_stack) {
    std::string open, close;
    for (int depth = 0; depth < 200'000; depth++) {
        open += "/*";
        close += "*/";
    }
    EXPECT_TRUE(found(joined({"x /*Bemi ", open, close, " Bemi*/"})) == open + close);
}

} // namespace
} // namespace waltrail

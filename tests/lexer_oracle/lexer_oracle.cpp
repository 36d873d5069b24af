// compare(seed bigint, texts integer, OUT compared bigint, OUT found bigint, OUT refused bigint, OUT difference text) makes random
// texts of the seeds `seed`, `seed` + 1, … and compares for each statement of each text what the finder and the server's lexer find:
//   compared    answers that were compared
//   found       those among them that were a context
//   refused     texts that the server's lexer does not accept, for which the finder need only stay inside the text
//   difference  null, or the first text with different answers; the texts behind it are not looked at
#include "capture/statement_comment.hpp"
#include "expected_comment.hpp"
#include "lexed_text.hpp"
#include "random_text.hpp"

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;
}

namespace waltrail::oracle {

namespace {

constexpr const char *affix = "Bemi";

struct Comparison {
    int64 compared = 0;
    int64 found = 0;
    int64 refused = 0;
    char *difference = nullptr;
};

struct Case {
    uint64_t seed;
    const char *text;
    bool standard_conforming_strings;
};

std::string_view find(const Case &tried, StatementPlace place) {
    return find_statement_comment(std::string_view(tried.text), place, affix,
                                  tried.standard_conforming_strings);
}

bool is_part_of(std::string_view part, const char *text) {
    return part.empty() ||
           (part.data() >= text && part.data() + part.size() <= text + strlen(text));
}

void append_part(StringInfo out, const char *who, std::string_view part, const char *text) {
    if (part.empty())
        appendStringInfo(out, ", %s nothing", who);
    else
        appendStringInfo(out, ", %s bytes %d to %d", who, static_cast<int>(part.data() - text),
                         static_cast<int>(part.data() + part.size() - text));
}

char *describe(const Case &tried, StatementPlace place, std::string_view found,
               std::string_view expected) {
    StringInfoData out;
    initStringInfo(&out);
    appendStringInfo(&out, "seed " INT64_FORMAT ", standard_conforming_strings %s, place (%d, %d)",
                     static_cast<int64>(tried.seed),
                     tried.standard_conforming_strings ? "on" : "off", place.location,
                     place.length);
    append_part(&out, "the finder", found, tried.text);
    append_part(&out, "the server's lexer", expected, tried.text);
    appendStringInfoString(&out, ": ");
    for (const char *c = tried.text; *c != '\0'; c++) {
        bool shown = *c >= ' ' && *c <= '~';
        appendStringInfo(&out, shown ? "%c" : "\\x%02x", static_cast<unsigned char>(*c));
    }
    return out.data;
}

// As PlannedStmt says it: from behind the semicolon before it (PostgreSQL 15 to 17), or from its first token on (18). Only of a text
// that is one statement it has neither place nor length; here that would not tell those that were joined from several.
StatementPlace place_of(const LexedText &lexed, Statement statement, bool from_token) {
    int start = 0;
    if (from_token)
        start = lexed.tokens[statement.first].start;
    else if (statement.first > 0)
        start = lexed.tokens[statement.first - 1].end;
    bool to_the_end = statement.last + 1 == lexed.token_count;
    if (to_the_end && start > 0) return {start, 0};
    int end =
        to_the_end ? static_cast<int>(strlen(lexed.text)) : lexed.tokens[statement.last + 1].start;
    return {start, end - start};
}

void compare_statement(const Case &tried, const LexedText &lexed, Statement statement,
                       Comparison &result) {
    std::string_view expected = expected_comment(lexed, statement, affix);
    for (bool from_token : {false, true}) {
        StatementPlace place = place_of(lexed, statement, from_token);
        std::string_view found =
            find_statement_comment(tried.text, place, affix, tried.standard_conforming_strings);
        result.compared++;
        if (!expected.empty()) result.found++;
        bool same =
            found.size() == expected.size() && (found.empty() || found.data() == expected.data());
        if (!same && result.difference == nullptr)
            result.difference = describe(tried, place, found, expected);
    }
}

// Semicolons inside of a statement, as BEGIN ATOMIC has them, are made by joining some.
void compare_statements(const Case &tried, const LexedText &lexed, Random &random,
                        Comparison &result) {
    for (int first = 0; first < lexed.token_count; first++) {
        bool begins = first == 0 || lexed.tokens[first - 1].semicolon;
        if (!begins || lexed.tokens[first].semicolon) continue;
        for (int last = first; last < lexed.token_count; last++) {
            bool ends = last + 1 == lexed.token_count || lexed.tokens[last + 1].semicolon;
            if (!ends || lexed.tokens[last].semicolon) continue;
            compare_statement(tried, lexed, {first, last}, result);
            if (!random.once_in(4)) break;
        }
    }
}

void compare_text(uint64_t seed, Comparison &result) {
    char text[text_bytes_max];
    Random random(seed);
    write_random_text(random, text);
    for (bool conforming : {true, false}) {
        Case tried{seed, text, conforming};
        LexedText lexed;
        if (lex_as_the_server(text, conforming, lexed))
            compare_statements(tried, lexed, random, result);
        else
            result.refused++;
        int bytes = static_cast<int>(strlen(text));
        StatementPlace anywhere{random.below(bytes + 3) - 1, random.below(bytes + 3) - 1};
        std::string_view found = find(tried, anywhere);
        if (!is_part_of(found, text) && result.difference == nullptr)
            result.difference = describe(tried, anywhere, found, {});
    }
}

Comparison compare(uint64_t seed, int texts) {
    Comparison result;
    MemoryContext outer = CurrentMemoryContext;
    MemoryContext of_text = AllocSetContextCreate(outer, "text", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(of_text);
    for (int i = 0; i < texts && result.difference == nullptr; i++) {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(of_text);
        compare_text(seed + static_cast<uint64_t>(i), result);
    }
    MemoryContextSwitchTo(outer);
    return result;
}

} // namespace

} // namespace waltrail::oracle

extern "C" {

PG_FUNCTION_INFO_V1(compare);

Datum compare(PG_FUNCTION_ARGS) {
    waltrail::oracle::Comparison result =
        waltrail::oracle::compare(static_cast<uint64_t>(PG_GETARG_INT64(0)), PG_GETARG_INT32(1));
    TupleDesc row;
    if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "the function must be declared with its OUT parameters");
    bool differs = result.difference != nullptr;
    Datum values[] = {Int64GetDatum(result.compared), Int64GetDatum(result.found),
                      Int64GetDatum(result.refused),
                      differs ? CStringGetTextDatum(result.difference) : Datum{0}};
    bool nulls[] = {false, false, false, !differs};
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}
}

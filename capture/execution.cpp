#include "capture/execution.hpp"

extern "C" {
#include "commands/prepare.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
}

#include "capture/capture_settings.hpp"
#include "capture/emission.hpp"
#include "capture/write_watch.hpp"

#include "decoder/change_context.hpp"

#include <cstring>

namespace waltrail {

namespace {

Execution *innermost = nullptr;

// Whether the text is what the client has sent. Otherwise nobody asked for what runs here but the transaction's end (deferred
// triggers), a fast-path call, or a worker of the server.
bool is_from_client(const char *text) {
    return debug_query_string != nullptr && text != nullptr &&
           (text == debug_query_string || strcmp(text, debug_query_string) == 0);
}

std::string_view comment_in(const StatementText &text) {
    if (text.text == nullptr || comment_affix().empty()) return {};
    return find_statement_comment(text.text, text.place, comment_affix(),
                                  standard_conforming_strings);
}

std::string_view without_too_large(std::string_view comment) {
    if (comment.size() <= context_bytes_max) return comment;
    ereport(WARNING, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
            errmsg("the context in the statement's comment is not recorded: it has %zu bytes, more "
                   "than %zu",
                   comment.size(), context_bytes_max));
    return {};
}

void read_comment(Statement &statement) {
    statement.is_read = true; // also where the warning becomes an error
    bool is_clients = is_from_client(statement.own.text);
    statement.keeps_context |= !is_clients;
    statement.comment = is_clients ? comment_in(statement.own) : std::string_view();
    if (statement.comment.empty()) statement.comment = comment_in(statement.prepared);
    statement.comment = without_too_large(statement.comment);
}

void set_prepared(Statement &statement, const StatementText &text) {
    statement.prepared = text;
    statement.is_read = false;
    look_again();
}

// Within EXECUTE functions may run as well, which compute its parameters: the prepared statement is told by its text. Within FETCH
// nothing runs but the cursor's query.
bool is_run_by(const Node *prepared_by, const char *text) {
    if (!IsA(prepared_by, ExecuteStmt)) return true;
    auto *name = reinterpret_cast<const ExecuteStmt *>(prepared_by)->name;
    PreparedStatement *prepared = FetchPreparedStatement(name, false);
    return prepared != nullptr && strcmp(prepared->plansource->query_string, text) == 0;
}

// What a function executes is its own.
bool is_prepared_of_client(const Execution &execution, const char *text) {
    const Execution &outer = *execution.outer;
    return outer.outer == nullptr && outer.prepared_by != nullptr && text != nullptr &&
           is_run_by(outer.prepared_by, text);
}

} // namespace

Execution *innermost_execution() { return innermost; }

void begin_execution(Execution &execution, Statement &statement, const StatementText &text) {
    execution.outer = innermost;
    innermost = &execution; // before anything that may fail
    execution.statement = execution.outer == nullptr ? &statement : execution.outer->statement;
    if (execution.outer == nullptr) {
        statement.own = text;
    } else if (is_prepared_of_client(execution, text.text)) {
        execution.is_prepared = true;
        set_prepared(*execution.statement, text);
    }
    begin_watch(execution);
}

void end_execution(Execution &execution) {
    abandon_execution(execution);
    if (innermost != nullptr) go_on(*innermost);
}

void abandon_execution(Execution &execution) {
    end_watch(execution);
    innermost = execution.outer;
    if (execution.is_prepared) set_prepared(*execution.statement, {});
}

// A comment is nearest to the change; a setting holds for all that the session or the transaction does.
std::string_view context_in_force() {
    Statement &statement = *innermost->statement;
    if (!statement.is_read) read_comment(statement);
    if (!statement.comment.empty()) return statement.comment;
    if (!context_setting().empty()) return context_setting();
    return statement.keeps_context ? words_said().context : std::string_view();
}

} // namespace waltrail

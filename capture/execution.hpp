// What this session is executing: a stack, with an entry for each ExecutorRun, ExecutorFinish and ProcessUtility that is under way, in the
// C stack of the hooks. The outermost one is the client's statement; what runs within it, by functions, triggers and the actions of
// foreign keys, carries its context.
#pragma once

extern "C" {
#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
}

#include "capture/emission.hpp"
#include "capture/statement_comment.hpp"

#include <string_view>
#include <type_traits>

namespace waltrail {

// Text in which a statement stands. Valid as long as the execution that has it.
struct StatementText {
    const char *text = nullptr;
    StatementPlace place{};
};

struct Statement {
    StatementText own{};
    StatementText prepared{};   // what EXECUTE or FETCH runs
    bool keeps_context = false; // without a comment or a setting, that of the change before it
    bool is_read = false;       // `comment` has been looked for
    std::string_view comment{};
};
static_assert(std::is_trivially_destructible_v<Statement>);

// The input of a ModifyTable node, whose rows are awaited.
struct WatchedInput {
    WatchedInput *next;
    ModifyTableState *node;
    PlanState *input;
    ExecProcNodeMtd original;
    bool may_drop_rows; // and nothing of the user's runs before one is written
};

struct Execution {
    Execution *outer = nullptr;
    Statement *statement = nullptr;
    QueryDesc *query = nullptr;        // null for a utility statement
    Relation copy_target = nullptr;    // of COPY FROM
    const Node *prepared_by = nullptr; // EXECUTE, FETCH or MOVE, which runs what was prepared
    bool is_prepared = false;          // it is what the one around it runs
    bool fills_logged_table = false;   // CREATE TABLE AS, SELECT INTO
    // Of write_watch.cpp:
    WatchedInput first_input;       // not initialized, for the sake of speed, until `inputs` has it
    WatchedInput *inputs = nullptr; // first_input, and others in the query's memory
    Relation armed = nullptr;
    bool is_at_row = false; // which it has said what must be said for
    Words *kept = nullptr;  // that, when an execution within it has said something else
};
static_assert(std::is_trivially_destructible_v<Execution>);

// Null where nothing is under way.
Execution *innermost_execution();

// `statement` is used where the execution is the outermost. What has begun must end, or be abandoned after an error, also one of
// begin_execution() itself.
void begin_execution(Execution &execution, Statement &statement, const StatementText &text);
void end_execution(Execution &execution);
void abandon_execution(Execution &execution);

// Of the changes that the innermost execution makes; empty: none. Valid until an execution ends or a setting changes.
std::string_view context_in_force();

} // namespace waltrail

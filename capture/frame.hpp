// What this session is executing: a stack of frames, one for each ExecutorRun, ExecutorFinish and ProcessUtility that is under way, in the
// C stack of the hooks. The outermost one is the client's statement; what runs within it, by functions, triggers and the actions of
// foreign keys, carries its context.
#pragma once

extern "C" {
#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
}

#include "capture/statement_comment.hpp"

#include <string_view>

namespace waltrail {

// Text in which a statement stands. Valid as long as the frame that has it.
struct StatementText {
    const char *text = nullptr;
    StatementPlace place{};
};

struct Statement {
    StatementText own{};
    StatementText prepared{}; // what EXECUTE or FETCH runs
    bool keeps_context =
        false; // has, without a comment or a setting, the context of the change before it
    bool is_read = false; // `comment` has been looked for
    std::string_view comment{};
};

// The input of a ModifyTable node, whose rows are awaited.
struct WatchedInput {
    WatchedInput *next;
    ModifyTableState *node;
    PlanState *input;
    ExecProcNodeMtd original;
};

struct Frame {
    Frame *outer = nullptr;
    Statement *statement = nullptr;
    QueryDesc *query = nullptr;      // null for a utility statement
    Relation copy_target = nullptr;  // of COPY FROM
    bool runs_prepared = false;      // EXECUTE, FETCH, MOVE
    bool makes_logged_table = false; // CREATE TABLE AS, SELECT INTO
    // Of write_watch.cpp:
    WatchedInput first_input{};
    WatchedInput *inputs = nullptr; // first_input, and others in the query's memory
    bool is_watched = false;
    bool is_armed = false;
};

// Null where nothing is under way.
Frame *innermost_frame();

// `statement` is used where the frame is the outermost. leave_frame() must come whichever way the frame ends, also when
// enter_frame() has failed.
void enter_frame(Frame &frame, Statement &statement, const StatementText &text);
void leave_frame(Frame &frame);

// Of the changes that the innermost frame makes; empty: none. Valid until a frame is left or a setting changes.
std::string_view context_in_force();

} // namespace waltrail

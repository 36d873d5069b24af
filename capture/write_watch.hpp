// Finds the moment before a statement writes a row to a table whose changes can be decoded: what must be said before a change is said
// then (emission.hpp), and a statement that has nothing to write adds nothing to the WAL.
#pragma once

#include "capture/execution.hpp"

namespace waltrail {

// Once, before sessions begin.
void prepare_write_watch();

void begin_watch(Execution &execution);
void end_watch(Execution &execution);

// `execution` goes on with the row it was at work on, after one within it has ended without an error: that may have said something
// else, for its own changes.
void go_on(Execution &execution);

// Whether rows that are written to this table, or through it to its partitions, may be decoded.
bool may_be_decoded(Relation table);

// The execution is a COPY FROM into this table, which must be open until end_watch().
void watch_copy(Execution &execution, Relation target, const Node *condition);

// The innermost execution is about to write, or has what it will most likely write.
void before_write();

// What was said may no longer be what is to be said.
void look_again();

} // namespace waltrail

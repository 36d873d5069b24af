// Finds the moment just before a statement writes its first row to a table whose changes can be decoded: what must be said before a
// change is said then (emission.hpp), so that a statement that changes nothing adds nothing to the WAL.
#pragma once

#include "capture/frame.hpp"

namespace waltrail {

// Once, before sessions begin.
void prepare_write_watch();

void begin_watch(Frame &frame);
void end_watch(Frame &frame);

// The frame is a COPY FROM into this table, which must be open until end_watch(). Null: it is not.
void watch_copy(Frame &frame, Relation target);

// The innermost frame is about to write.
void before_write();

// What was said may no longer be what is to be said: looks again before the next row of every frame.
void look_again();
// The same, where a transaction has ended: no frame that writes rows lives across its end.
void begin_again();

} // namespace waltrail

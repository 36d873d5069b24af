// Named places before and behind each durable step, at which the tests make the program fail. They are there in a build with the
// CMake option WALTRAIL_FAULT_POINTS; in any other nothing is left of them.
//
// The environment chooses one: WALTRAIL_FAULT=NAME:ACTION or NAME:ACTION:N, at the N-th passing, once in the life of the process.
//
// | action | then                                                            |
// |--------|-----------------------------------------------------------------|
// | kill   | the process is gone, as by kill -9                              |
// | error  | an Error (reconnect), as if a connection had broken there       |
// | stall  | the thread stands still for two seconds                         |
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace waltrail {

// `waltrail --fault-points` prints them. A test trips each of them, and fails for one that is never passed.
inline constexpr std::array<std::string_view, 26> fault_point_names{
    // apply: the start
    "source_locked",      // no other process writes for the source
    "progress_confirmed", // what is recorded is proven durable
    "trail_maintained",   // partitions are there for what comes
    "stream_started",
    // apply: a batch
    "frame_received",     // by the reader, in the queue
    "copy_begun",         // BEGIN and COPY
    "rows_sent",          // a piece of the batch's rows
    "rows_copied",        // all of them
    "turn_come",          // the batches before it are recorded
    "relations_written",  //
    "quarantine_written", // a row that was refused in an earlier pass
    "progress_recorded",  // before COMMIT
    "batch_committed",    // before anybody here knows
    "batch_finished",     // before the source hears of it
    "feedback_due",       // before the source hears of something new
    "feedback_sent",
    // apply: a row that is refused
    "row_refused",     // and remembered, before the stream is opened again
    "careful_begun",   // BEGIN of a batch whose rows have savepoints
    "row_rolled_back", // to its savepoint
    "row_quarantined", //
    // apply: without changes
    "position_begun", // BEGIN of a batch that has no rows
    "time_reached",   // of the source, to be recorded
    // init
    "slot_made",
    "destination_prepared", // in a transaction that is open still
    "source_prepared",      // replica identities, event trigger
    "init_committed",
};

// A name that is in the list, or the program does not compile.
class FaultPoint {
  public:
    consteval FaultPoint(const char *name)
        : index_(static_cast<size_t>(std::ranges::find(fault_point_names, std::string_view(name)) -
                                     fault_point_names.begin())) {
        if (index_ == fault_point_names.size()) throw "no such fault point";
    }
    [[nodiscard]] std::string_view name() const { return fault_point_names[index_]; }

  private:
    size_t index_;
};

#ifdef WALTRAIL_FAULT_POINTS
inline constexpr bool has_fault_points = true;
void fault_point(FaultPoint point);
#else
inline constexpr bool has_fault_points = false;
inline void fault_point(FaultPoint) {}
#endif

} // namespace waltrail

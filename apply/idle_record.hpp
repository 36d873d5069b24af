// When nothing is written, the position and the time of the source are still recorded now and then, so that its WAL is released
// and readers know how far the trail reaches.
#pragma once

#include "apply/batch_queue.hpp"
#include "apply/batch_renderer.hpp"
#include "apply/settings.hpp"

#include <chrono>

namespace waltrail {

class IdleRecord {
  public:
    // All references must outlive this. With `expects_echo`, the source is the server that is written to: what is recorded
    // comes back as WAL of the source.
    IdleRecord(BatchQueue &batches, BatchRenderer &renderer, const ApplySettings &settings,
               bool expects_echo)
        : batches_(batches), renderer_(renderer), settings_(settings), expects_echo_(expects_echo) {
    }

    // Records the newest known position, or time of the source, when it is due (ApplySettings::idle_record_interval) and is no
    // mere echo, or when asked for, now or as soon as what is under way is recorded.
    void record_if_due(bool asked);
    // Nothing has been recorded for a while, so a newer time of the source is worth having.
    [[nodiscard]] bool wants_source_time() const;

  private:
    [[nodiscard]] bool is_position_due(const Recorded &recorded) const;
    [[nodiscard]] bool has_time(const Recorded &recorded) const;
    [[nodiscard]] bool is_time_due(const Recorded &recorded) const;
    [[nodiscard]] std::chrono::milliseconds time_interval() const;

    BatchQueue &batches_;
    BatchRenderer &renderer_;
    const ApplySettings &settings_;
    bool expects_echo_;
    bool asked_ = false;
};

} // namespace waltrail

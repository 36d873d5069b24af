// Waits until the trail has recorded everything that was committed on the source before a moment. Until then what the trail lacks says nothing.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace waltrail {

class TrailWait {
  public:
    TrailWait(PostgresConnection &source, PostgresConnection &destination, std::string label,
              std::chrono::seconds patience)
        : source_(source), destination_(destination), label_(std::move(label)),
          patience_(patience) {}

    // What any snapshot has seen that the source has taken until now is in the trail. False where that did not come about in time: later calls
    // look once and do not wait again until the trail has moved on.
    [[nodiscard]] bool catch_up();

  private:
    [[nodiscard]] bool has_recorded(Lsn target);
    [[nodiscard]] Lsn source_end();

    PostgresConnection &source_;
    PostgresConnection &destination_;
    std::string label_;
    std::chrono::seconds patience_;
    Lsn recorded_end_{}; // when it was looked at last
    Lsn given_up_at_{};
};

} // namespace waltrail

// Waits until the trail has recorded everything that was committed on the source before a moment. Until then what the trail lacks says nothing.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"

#include <chrono>
#include <string>

namespace waltrail {

class TrailWait {
  public:
    TrailWait(PostgresConnection &source, PostgresConnection &destination, std::string label,
              std::string slot, std::chrono::seconds patience);

    // What any snapshot has seen that the source has taken until now is in the trail. False where that did not come about in time: later calls
    // look once and do not wait again until the trail has moved on.
    [[nodiscard]] bool catch_up();
    // Where the trail ended when it was looked at last.
    [[nodiscard]] Lsn recorded_end() const { return recorded_end_; }

  private:
    [[nodiscard]] bool has_recorded(Lsn target, std::chrono::steady_clock::duration waited);
    [[nodiscard]] Lsn source_end();

    PostgresConnection &source_;
    PostgresConnection &destination_;
    std::string label_, slot_;
    std::chrono::seconds patience_;
    bool is_one_server_;
    Lsn recorded_end_{};
    Lsn given_up_at_{};
};

} // namespace waltrail

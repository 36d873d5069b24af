// Warns of patterns of apply's own settings that match nothing: once in a process, when its stream has started, for a table
// may be still to come.
#pragma once

#include "apply/settings.hpp"

namespace waltrail {

class PatternWarnings {
  public:
    explicit PatternWarnings(const ApplySettings &settings) : settings_(settings) {}

    // The first call looks, by a connection of its own; later calls do nothing. What keeps it from looking keeps nothing else
    // from going on.
    void tell() noexcept;

  private:
    void look() const;

    const ApplySettings &settings_;
    bool told_ = false;
};

} // namespace waltrail

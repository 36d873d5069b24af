// What `waltrail init` has made so far and how to take it back. The destination's half is one transaction; this is for the
// source, where a slot, triggers and replica identities cannot be.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace waltrail {

class UndoList {
  public:
    // `left_behind` says what stays if the action fails and how to remove it by hand. The action may throw.
    void add(std::string left_behind, std::function<void()> action);

    // Runs all actions, the newest first; a failure does not keep the others from running. Returns what stayed behind.
    // The list is empty afterwards.
    std::vector<std::string> run();

    // Everything stays: init has succeeded.
    void keep();

  private:
    struct Step {
        std::string left_behind;
        std::function<void()> action;
    };
    std::vector<Step> steps_;
};

} // namespace waltrail

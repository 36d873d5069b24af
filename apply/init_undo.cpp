// A step that cannot be undone is reported rather than thrown: the error that made init give up is what must be told first.
#include "apply/init_undo.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace waltrail {

void UndoList::add(std::string left_behind, std::function<void()> action) {
    steps_.push_back({std::move(left_behind), std::move(action)});
}

std::vector<std::string> UndoList::run() {
    std::vector<std::string> left_behind;
    while (!steps_.empty()) {
        Step step = std::move(steps_.back());
        steps_.pop_back();
        try {
            step.action();
        } catch (const std::exception &error) {
            spdlog::debug("could not take back: {}", error.what());
            left_behind.push_back(std::move(step.left_behind));
        }
    }
    return left_behind;
}

void UndoList::keep() { steps_.clear(); }

} // namespace waltrail

#include "apply/fault_point.hpp"

#ifdef WALTRAIL_FAULT_POINTS

#include "apply/error.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

namespace waltrail {

namespace {

constexpr std::chrono::seconds stall_time{2};

struct ChosenFault {
    std::string name;
    std::string action;
    int passing = 1;

    ChosenFault() {
        const char *setting = std::getenv("WALTRAIL_FAULT");
        std::string_view text(setting != nullptr ? setting : "");
        auto take_word = [&text] {
            std::string word(text.substr(0, text.find(':')));
            text.remove_prefix(std::min(text.size(), word.size() + 1));
            return word;
        };
        name = take_word();
        action = take_word();
        std::from_chars(text.data(), text.data() + text.size(), passing);
    }
};

} // namespace

void fault_point(FaultPoint point) {
    static const ChosenFault chosen;
    static std::atomic<int> passings{0};
    if (point.name() != chosen.name || ++passings != chosen.passing) return;
    if (chosen.action == "kill") std::raise(SIGKILL);
    std::string fault = fmt::format("fault point \"{}\"", point.name());
    spdlog::warn("{}: {}", fault, chosen.action);
    if (chosen.action == "error") throw Error(Disposition::reconnect, fault);
    std::this_thread::sleep_for(stall_time);
}

} // namespace waltrail

#endif

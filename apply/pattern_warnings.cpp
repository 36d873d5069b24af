#include "apply/pattern_warnings.hpp"

#include "apply/read_only_connection.hpp"
#include "apply/source_patterns.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace waltrail {

void PatternWarnings::tell() noexcept {
    if (told_) return;
    told_ = true;
    try {
        look();
    } catch (const std::exception &error) {
        spdlog::debug("could not look at what the patterns match: {}", error.what());
    }
}

void PatternWarnings::look() const {
    auto settings = pattern_settings();
    bool any = std::any_of(settings.begin(), settings.end(), [this](auto &setting) {
        return !(settings_.selection.*setting.lists).empty();
    });
    if (!any) return;
    PostgresConnection source = connect_read_only(settings_.ends.source, "source");
    for (const PatternSetting &setting : settings)
        for (auto &line : unmatched_patterns(source, setting.flag, setting.kind,
                                             settings_.selection.*setting.lists))
            spdlog::warn("{}: {}", source.where(), line);
}

} // namespace waltrail

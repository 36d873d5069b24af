#include "apply/lsn.hpp"

#include <fmt/format.h>

#include <charconv>

namespace waltrail {

std::string lsn_text(Lsn lsn) {
    return fmt::format("{:X}/{:X}", lsn.value >> 32, lsn.value & 0xFFFFFFFFu);
}

std::optional<Lsn> parse_lsn(std::string_view text) {
    auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto half = [](std::string_view digits) -> std::optional<uint32_t> {
        uint32_t value = 0;
        auto [end, problem] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
        return value;
    };
    auto high = half(text.substr(0, slash)), low = half(text.substr(slash + 1));
    if (!high || !low) return std::nullopt;
    return Lsn{static_cast<uint64_t>(*high) << 32 | *low};
}

} // namespace waltrail

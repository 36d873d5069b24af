#include "apply/row_snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace waltrail {

namespace {

constexpr uint32_t first_normal_xid = 3; // FirstNormalTransactionId
constexpr uint64_t xids_of_an_epoch = uint64_t{1} << 32;

std::optional<uint64_t> number(std::string_view digits) {
    uint64_t value = 0;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

} // namespace

std::optional<RowSnapshot> parse_snapshot(std::string_view text) {
    size_t first = text.find(':'), second = text.find(':', first + 1);
    if (first == text.npos || second == text.npos) return std::nullopt;
    auto xmin = number(text.substr(0, first));
    auto xmax = number(text.substr(first + 1, second - first - 1));
    std::string_view running = text.substr(second + 1);
    if (!xmin || !xmax || running.find_first_not_of("0123456789,") != running.npos)
        return std::nullopt;
    return RowSnapshot{*xmin, *xmax, std::string(running)};
}

std::string seen_condition(const RowSnapshot &snapshot) {
    if (snapshot.running.empty()) return fmt::format("c.transaction_id < {}", snapshot.xmax);
    return fmt::format(
        "(c.transaction_id < {} OR c.transaction_id < {} AND c.transaction_id NOT IN ({}))",
        snapshot.xmin, snapshot.xmax, snapshot.running);
}

bool has_seen(const RowSnapshot &snapshot, uint64_t transaction_id) {
    if (snapshot.running.empty() || transaction_id >= snapshot.xmax)
        return transaction_id < snapshot.xmax;
    return transaction_id < snapshot.xmin ||
           fmt::format(",{},", snapshot.running).find(fmt::format(",{},", transaction_id)) ==
               std::string::npos;
}

std::optional<uint64_t> whole_xid(uint32_t xmin, const RowSnapshot &snapshot) {
    if (xmin < first_normal_xid) return std::nullopt;
    uint64_t whole = (snapshot.xmax & ~(xids_of_an_epoch - 1)) | xmin;
    if (whole >= snapshot.xmax) {
        if (whole < xids_of_an_epoch) return std::nullopt;
        whole -= xids_of_an_epoch;
    }
    if (whole >= xids_of_an_epoch) return std::nullopt;
    return whole;
}

uint64_t newest_xid(uint32_t xmin, uint64_t xmax) {
    if (xmin < first_normal_xid) return 0;
    uint64_t whole = (xmax & ~(xids_of_an_epoch - 1)) | xmin;
    if (whole < xmax) return whole;
    return whole < xids_of_an_epoch ? UINT64_MAX : whole - xids_of_an_epoch;
}

} // namespace waltrail

// The checks are in the order in which an operator would mend them: what needs another server first, then what needs a
// restart, then what needs a reload or a GRANT.
#include "apply/init_preflight.hpp"

#include "apply/prerequisites.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waltrail {

namespace {

constexpr size_t slot_name_length_max = 63;
constexpr size_t label_length_max =
    255; // varchar(255): characters; bytes are checked, which is stricter

void require(const PostgresConnection &connection, const std::optional<Problem> &problem) {
    if (problem)
        throw Error(Disposition::stop, fmt::format("{}: {}", connection.where(), problem->what),
                    problem->mend);
}

} // namespace

void check_init_settings(const InitSettings &settings) {
    const std::string &slot = settings.ends.slot;
    bool is_valid = !slot.empty() && slot.size() <= slot_name_length_max &&
                    std::all_of(slot.begin(), slot.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                    });
    if (!is_valid)
        throw Error(Disposition::stop,
                    fmt::format("invalid slot name \"{}\" in --slot", one_line(slot)),
                    "use up to 63 of the characters a-z, 0-9 and _");
    if (settings.label.size() > label_length_max)
        throw Error(Disposition::stop,
                    fmt::format("the label in --label is longer than {} bytes", label_length_max));
}

void check_source(PostgresConnection &source) {
    require(source, server_problem(source));
    require(source, wal_level_problem(source));
    require(source, replication_right_problem(source));
    require(source, plugin_permission_problem(source));
    require(source, walsender_problem(source));
}

void check_destination(PostgresConnection &destination) {
    require(destination, server_problem(destination));
    require(destination, encoding_problem(destination));
    require(destination, partman_problem(destination));
    require(destination, extension_problem(destination));
    require(destination, schema_problem(destination));
    require(destination, creation_right_problem(destination));
}

void check_free_slot(PostgresConnection &source) { require(source, slot_room_problem(source)); }

} // namespace waltrail

// The checks are in the order in which an operator would mend them: what needs another server first, then what needs a
// restart, then what needs a reload or a GRANT.
#include "apply/init_preflight.hpp"

#include "apply/context_trigger.hpp"
#include "apply/prerequisites.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waltrail {

namespace {

constexpr size_t slot_name_length_max = 63;
constexpr size_t affix_length_max = 63;
constexpr size_t label_length_max =
    255; // varchar(255): characters; bytes are checked, which is stricter

bool is_word(std::string_view text, size_t length_max, bool allows_upper_case) {
    return !text.empty() && text.size() <= length_max &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                      (allows_upper_case && c >= 'A' && c <= 'Z');
           });
}

} // namespace

void check_init_settings(const InitSettings &settings) {
    const std::string &slot = settings.ends.slot;
    if (!is_word(slot, slot_name_length_max, false))
        throw Error(Disposition::stop,
                    fmt::format("invalid slot name \"{}\" in --slot", one_line(slot)),
                    "use up to 63 of the characters a-z, 0-9 and _");
    if (!is_word(settings.comment_affix, affix_length_max, true))
        throw Error(Disposition::stop,
                    fmt::format("invalid affix \"{}\" in --comment-affix",
                                one_line(settings.comment_affix)),
                    "use up to 63 of the characters a-z, A-Z, 0-9 and _");
    if (slot == context_function_name)
        throw Error(
            Disposition::stop,
            fmt::format("slot name \"{}\" in --slot is taken by a function that init makes", slot),
            "choose another one");
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

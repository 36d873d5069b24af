#include "apply/init_summary.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>
#include <string_view>

namespace waltrail {

namespace {

bool is_secret(std::string_view keyword) {
    return keyword == "password" || keyword == "sslpassword";
}

bool is_plain(std::string_view text, std::string_view allowed) {
    for (char c : text) {
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && allowed.find(c) == std::string_view::npos) return false;
    }
    return !text.empty();
}

std::string conninfo_value(std::string_view value) {
    if (is_plain(value, "_-./:,+@%*~")) return std::string(value);
    std::string quoted = "'";
    for (char c : value) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "'";
}

std::string shell_word(std::string_view word) {
    if (is_plain(word, "_-./:,+@%=")) return std::string(word);
    std::string quoted = "'";
    for (char c : word) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted + "'";
}

} // namespace

std::string conninfo_without_secrets(const std::string &conninfo) {
    std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(conninfo.c_str(), nullptr), PQconninfoFree);
    if (options == nullptr) return "";
    std::string shown;
    for (auto *option = options.get(); option->keyword != nullptr; option++) {
        if (option->val == nullptr || is_secret(option->keyword)) continue;
        shown += fmt::format("{}{}={}", shown.empty() ? "" : " ", option->keyword,
                             conninfo_value(option->val));
    }
    return shown;
}

std::string apply_command_line(const Ends &ends) {
    return fmt::format("waltrail apply --source {} --destination {} --slot {}",
                       shell_word(conninfo_without_secrets(ends.source)),
                       shell_word(conninfo_without_secrets(ends.destination)),
                       shell_word(ends.slot));
}

} // namespace waltrail

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

std::string apply_command_line(const InitSettings &settings) {
    const Ends &ends = settings.ends, &known = settings.file_ends;
    bool has_file = !settings.config_file.empty();
    std::string line = "waltrail apply";
    auto add = [&line](const char *flag, const std::string &value) {
        line += fmt::format(" {} {}", flag, shell_word(value));
    };
    if (has_file) add("--config", settings.config_file);
    if (!has_file || ends.source != known.source)
        add("--source", conninfo_without_secrets(ends.source));
    if (!has_file || ends.destination != known.destination)
        add("--destination", conninfo_without_secrets(ends.destination));
    if (!has_file || ends.slot != known.slot) add("--slot", ends.slot);
    return line;
}

} // namespace waltrail

#include "apply/usage_problem.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <vector>

namespace waltrail {

namespace {

// A second value behind a flag of patterns is a word that nothing takes.
bool has_patterns(const CLI::App &command) {
    auto settings = pattern_settings();
    return std::any_of(settings.begin(), settings.end(), [&](auto &setting) {
        const CLI::Option *option = command.get_option_no_throw(setting.flag);
        return option != nullptr && option->count() > 0;
    });
}

bool is_of_connection_string(const std::string &word) {
    return (word[0] != '-' && word.find('=') != std::string::npos) ||
           word.find("://") != std::string::npos;
}

// Of what CLI11 complains of by a flag that was not typed: where the value stands, with a colon behind it.
std::string place_of(const CommandLine &line, std::string_view message) {
    auto is_named = [&](const std::string &flag) {
        size_t at = message.find(flag);
        size_t end = at + flag.size();
        return at != std::string_view::npos &&
               (end == message.size() || (message[end] != '-' && std::isalnum(message[end]) == 0));
    };
    std::vector<const CLI::App *> apps{&line.app};
    for (const CLI::App *command : line.app.get_subcommands()) apps.push_back(command);
    for (const CLI::App *command : apps)
        for (const CLI::Option *option : command->get_options()) {
            std::string flag = option->get_name();
            if (!is_named(flag) || is_typed(line.words, flag)) continue;
            if (is_in_environment(*option))
                return fmt::format("environment variable {}: ", option->get_envname());
            if (std::optional<size_t> number = line.file->line_of(*option))
                return fmt::format("{}: ", line.file->place(*number));
        }
    return "";
}

} // namespace

// What CLI11 says, and of a word that nothing takes what it was probably meant for.
std::string usage_problem(const CommandLine &line, const CLI::ParseError &error) {
    std::vector<std::string> rest = line.app.remaining(true);
    // CLI11 repeats the words that nothing takes; the rest of a connection string without its quotes may be a password.
    if (std::any_of(rest.begin(), rest.end(), is_of_connection_string))
        return "words that nothing takes; put a connection string in quotes, so that it is one "
               "word";
    auto word = std::find_if(rest.begin(), rest.end(), [](auto &text) { return text[0] != '-'; });
    if (dynamic_cast<const CLI::ExtrasError *>(&error) == nullptr || word == rest.end())
        return place_of(line, error.what()) + error.what();
    std::vector<CLI::App *> commands = line.app.get_subcommands();
    if (commands.empty())
        return fmt::format("unknown subcommand \"{}\", the subcommands are {}", *word,
                           fmt::join(command_names(line.app), ", "));
    if (has_patterns(*commands.front()))
        return fmt::format("unexpected word \"{}\"; separate patterns with commas, or repeat the "
                           "flag",
                           *word);
    return error.what();
}

std::string help_hint(const CLI::App &app) {
    std::vector<CLI::App *> commands = app.get_subcommands();
    if (commands.empty()) return "\"waltrail --help\" lists commands and options";
    return fmt::format("\"waltrail {} --help\" lists its options", commands.front()->get_name());
}

} // namespace waltrail

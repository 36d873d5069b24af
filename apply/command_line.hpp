// The command line: the subcommands with their options, which come from the environment and a TOML file too.
#pragma once

#include "apply/settings.hpp"
#include "apply/settings_file.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace waltrail {

// Whether one of the words is the flag, with or without "=" and a value behind it.
[[nodiscard]] bool is_typed(std::span<char *> words, std::string_view flag);

struct CommandLine {
    CommandLine();
    CommandLine(const CommandLine &) = delete; // the options refer to it
    CommandLine &operator=(const CommandLine &) = delete;

    // Throws CLI::ParseError; argv must outlive this.
    void parse(int argc, char **argv);
    [[nodiscard]] bool names(const char *command) const { return app.got_subcommand(command); }

    CLI::App app{"waltrail: who changed what in PostgreSQL, and why", "waltrail"};
    std::string log_level = "info";
    std::string log_format = "text";
    InitSettings init;
    ApplySettings apply;
    CheckSettings check;
    StatusSettings status;
    VerifySettings verify;
    DecodeSettings decode;
    std::shared_ptr<SettingsFile> file; // what was read from it
    std::span<char *> words;            // as parse() was given them
};

} // namespace waltrail

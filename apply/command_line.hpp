// The command line: the subcommands with their options, which come from the environment and a TOML file too, and what is wrong with what was
// given.
#pragma once

#include "apply/settings.hpp"
#include "apply/settings_file.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace waltrail {

struct CommandLine {
    CommandLine();
    CommandLine(const CommandLine &) = delete; // the options refer to it
    CommandLine &operator=(const CommandLine &) = delete;

    // Throws CLI::ParseError; argv must outlive this.
    void parse(int argc, char **argv);
    [[nodiscard]] bool names(const char *command) const { return app.got_subcommand(command); }

    // What is wrong, and where it stands if it was not typed. May have several lines.
    [[nodiscard]] std::string usage_problem(const CLI::ParseError &error) const;
    // Where to read on.
    [[nodiscard]] std::string help_hint() const;

    CLI::App app{"waltrail: who changed what in PostgreSQL, and why", "waltrail"};
    std::string log_level = "info";
    std::string log_format = "text";
    InitSettings init;
    ApplySettings apply;
    CheckSettings check;
    StatusSettings status;
    VerifySettings verify;
    DecodeSettings decode;

  private:
    [[nodiscard]] std::string place_of(std::string_view message) const;

    std::shared_ptr<SettingsFile> file_;
    std::span<char *> words_;
};

} // namespace waltrail

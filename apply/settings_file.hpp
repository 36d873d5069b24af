// The file of --config as CLI11 takes it, with the two rules that CLI11 lacks: an environment variable wins over the file,
// and what [apply] says holds for the other subcommands too where they have that setting and their own table does not say
// otherwise. So a file for `apply` serves `check`, `status` and `init`, and `check` looks at what `apply` would do.
#pragma once

#include "apply/settings.hpp"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace waltrail {

class SettingsFile : public CLI::Config {
  public:
    // `app` outlives it and has all of its options when a file is read.
    explicit SettingsFile(CLI::App &app) : app_(app) {}

    // Throws CLI::ConfigError, with the line.
    std::vector<CLI::ConfigItem> from_config(std::istream &input) const override;
    // Never asked for: no option of the program prints its settings.
    std::string to_config(const CLI::App *, bool, bool, std::string) const override { return ""; }

    // Of a setting that was taken from the file.
    [[nodiscard]] std::optional<size_t> line_of(const CLI::Option &option) const;
    // settings file "…", line 3
    [[nodiscard]] std::string place(size_t line) const;

  private:
    [[noreturn]] void fail(size_t line, const std::string &problem) const;

    CLI::App &app_;
    mutable std::map<const CLI::Option *, size_t> lines_; // from_config() is const for CLI11
};

// Whether the environment says it.
[[nodiscard]] bool is_in_environment(const CLI::Option &option);

// The subcommands, each of which is a table of the file too.
[[nodiscard]] std::vector<std::string> command_names(const CLI::App &app);

// What `waltrail apply` takes from the file for the two ends and the slot. Of a file that from_config() has found good.
[[nodiscard]] Ends apply_ends_of_file(const std::string &path);

// Whether every user of the machine may read the file, and a password in it. Of a file that from_config() has found good.
[[nodiscard]] bool exposes_password(const std::string &path);

} // namespace waltrail

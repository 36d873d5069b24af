#include "apply/settings_file.hpp"

#include "apply/toml_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

namespace waltrail {

std::vector<std::string> command_names(const CLI::App &app) {
    std::vector<std::string> names;
    for (const CLI::App *command : app.get_subcommands([](const CLI::App *) { return true; }))
        names.push_back(command->get_name());
    return names;
}

namespace {

constexpr const char *shared_table = "apply";
constexpr const char *sharing_tables[] = {"init", "check", "status", "verify"};

// In a file exclude_tables may be written with the underscores of the plugin's option, or as the flag is.
std::string flag_of(std::string key) {
    std::replace(key.begin(), key.end(), '_', '-');
    return "--" + key;
}

CLI::Option *find_option(CLI::App &app, const std::string &key) {
    CLI::Option *option = app.get_option_no_throw(flag_of(key));
    return option != nullptr && option->get_configurable() ? option : nullptr;
}

CLI::App *find_table(CLI::App &app, const std::vector<std::string> &tables) {
    if (tables.empty()) return &app;
    if (tables.size() > 1) return nullptr;
    for (CLI::App *command : app.get_subcommands([](CLI::App *) { return true; }))
        if (command->get_name() == tables[0]) return command;
    return nullptr;
}

CLI::ConfigItem item_of(const TomlSetting &setting) {
    CLI::ConfigItem item;
    item.parents.assign(setting.path.begin(), setting.path.end() - 1);
    item.name = flag_of(setting.path.back()).substr(2);
    item.inputs = setting.values;
    return item;
}

// The settings of the shared table that another table may take and does not have.
std::vector<TomlSetting> shared_settings(CLI::App &app, const std::vector<TomlSetting> &settings) {
    std::vector<TomlSetting> shared;
    for (const TomlSetting &setting : settings) {
        if (setting.path.size() != 2 || setting.path[0] != shared_table) continue;
        for (const char *table : sharing_tables) {
            TomlSetting copy = setting;
            copy.path[0] = table;
            bool has_own = std::any_of(settings.begin(), settings.end(), [&](auto &other) {
                return other.path.size() == 2 && other.path[0] == table &&
                       flag_of(other.path[1]) == flag_of(copy.path[1]);
            });
            CLI::App *command = find_table(app, {table});
            if (!has_own && command != nullptr && find_option(*command, copy.path[1]) != nullptr)
                shared.push_back(std::move(copy));
        }
    }
    return shared;
}

// Above the first table stand the settings of the program itself, and often one that was meant for a table: the shared one, or
// the only one that knows it.
std::string unknown_setting(CLI::App &app, const TomlSetting &setting) {
    const std::string &name = setting.path.back();
    std::vector<std::string> tables = command_names(app);
    tables.insert(tables.begin(), shared_table);
    if (setting.path.size() == 1)
        for (const std::string &table : tables)
            if (find_option(*find_table(app, {table}), name) != nullptr)
                return fmt::format("setting \"{}\" belongs below a line [{}]", name, table);
    return fmt::format("unknown setting \"{}\"", name);
}

std::vector<TomlSetting> read_file(const std::string &path) {
    std::ifstream file(path);
    return read_toml(std::string{std::istreambuf_iterator<char>(file), {}});
}

bool has_password(const std::string &conninfo) {
    std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(conninfo.c_str(), nullptr), PQconninfoFree);
    if (options == nullptr) return false;
    for (auto *option = options.get(); option->keyword != nullptr; option++)
        if (std::string_view(option->keyword).ends_with("password") && option->val != nullptr)
            return true; // "sslpassword" too
    return false;
}

} // namespace

bool is_in_environment(const CLI::Option &option) {
    if (option.get_envname().empty()) return false;
    const char *value = std::getenv(option.get_envname().c_str());
    return value != nullptr && *value != '\0';
}

std::string SettingsFile::place(size_t line) const {
    return fmt::format("settings file \"{}\", line {}", app_.get_config_ptr()->as<std::string>(),
                       line);
}

void SettingsFile::fail(size_t line, const std::string &problem) const {
    throw CLI::ConfigError(fmt::format("{}: {}", place(line), problem));
}

std::optional<size_t> SettingsFile::line_of(const CLI::Option &option) const {
    auto found = lines_.find(&option);
    if (found == lines_.end()) return std::nullopt;
    return found->second;
}

std::vector<CLI::ConfigItem> SettingsFile::from_config(std::istream &input) const {
    std::string text{std::istreambuf_iterator<char>(input), {}};
    std::vector<TomlSetting> settings;
    try {
        settings = read_toml(text);
    } catch (const TomlProblem &problem) {
        fail(problem.line, problem.what());
    }
    for (TomlSetting &setting : shared_settings(app_, settings))
        settings.push_back(std::move(setting));

    std::vector<CLI::ConfigItem> items;
    for (const TomlSetting &setting : settings) {
        CLI::ConfigItem item = item_of(setting);
        CLI::App *table = find_table(app_, item.parents);
        if (table == nullptr)
            fail(setting.line,
                 fmt::format("unknown table [{}], the tables are [{}]",
                             fmt::join(item.parents, "."), fmt::join(command_names(app_), "], [")));
        CLI::Option *option = find_option(*table, setting.path.back());
        if (option == nullptr) fail(setting.line, unknown_setting(app_, setting));
        bool takes_list = option->get_expected_max() > 1;
        if (setting.values.empty() && !takes_list)
            fail(setting.line, fmt::format("\"{}\" takes a value", setting.path.back()));
        if (is_in_environment(*option)) continue;
        items.push_back(std::move(item));
        lines_[option] = setting.line;
    }
    return items;
}

Ends apply_ends_of_file(const std::string &path) {
    Ends ends;
    for (const TomlSetting &setting : read_file(path)) {
        if (setting.path.size() != 2 || setting.path[0] != shared_table) continue;
        if (setting.path[1] == "source") ends.source = setting.values.back();
        if (setting.path[1] == "destination") ends.destination = setting.values.back();
        if (setting.path[1] == "slot") ends.slot = setting.values.back();
    }
    return ends;
}

bool exposes_password(const std::string &path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return false;
    std::vector<TomlSetting> settings = read_file(path);
    return std::any_of(settings.begin(), settings.end(), [](const TomlSetting &setting) {
        return std::any_of(setting.values.begin(), setting.values.end(), has_password);
    });
}

} // namespace waltrail

// Parses the command line and calls one subcommand. Failures leave as one line on stderr.
#include "apply/command_line.hpp"
#include "apply/error.hpp"
#include "apply/log_format.hpp"
#include "apply/usage_problem.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

using namespace waltrail;

namespace {

std::string config_file(const CommandLine &line) {
    const CLI::Option *option = line.app.get_config_ptr();
    return option->count() == 0 ? "" : option->as<std::string>();
}

void take_config_file(const std::string &file, InitSettings &settings) {
    if (file.empty()) return;
    settings.config_file = file;
    settings.file_ends = apply_ends_of_file(file);
}

void warn_of_exposed_password(const std::string &file) {
    if (!file.empty() && exposes_password(file))
        spdlog::warn("settings file \"{0}\" holds a password that every user of this machine may "
                     "read: chmod o-r {0}, or name a passfile in the connection string",
                     file);
}

int fail(const std::string &message, ExitCode code) {
    tell_error(message);
    return static_cast<int>(code);
}

void set_log_level(const CommandLine &line) {
    spdlog::set_level(spdlog::level::from_str(line.log_level));
}

// The same words, the environment, and the file as it is now.
ApplySettings read_apply_settings(int argc, char **argv) {
    CommandLine line;
    try {
        line.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        throw std::runtime_error(one_line(usage_problem(line, error)));
    }
    set_log_level(line);
    return line.apply;
}

} // namespace

int main(int argc, char **argv) {
    CommandLine line;
    try {
        line.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() == 0) return line.app.exit(error);
        return fail(
            fmt::format("{}: {}", one_line(usage_problem(line, error)), help_hint(line.app)),
            ExitCode::usage);
    }

    start_log(line.log_level, line.log_format == "json" ? LogFormat::json : LogFormat::text);
    try {
        warn_of_exposed_password(config_file(line));
        if (line.names("init")) {
            take_config_file(config_file(line), line.init);
            return line.init.remove ? run_remove(line.init) : run_init(line.init);
        }
        if (line.names("apply"))
            return run_apply(line.apply, [=] { return read_apply_settings(argc, argv); });
        if (line.names("check")) return run_check(line.check);
        if (line.names("status")) return run_status(line.status);
        if (line.names("verify")) return run_verify(line.verify);
        return run_decode(line.decode);
    } catch (const std::exception &error) {
        return fail(one_line(error.what()), ExitCode::failure);
    }
}

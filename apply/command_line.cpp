#include "apply/command_line.hpp"

#include "apply/fault_point.hpp"
#include "apply/listening_socket.hpp"
#include "apply/lsn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>

namespace waltrail {

namespace {

void add_ends(CLI::App &command, Ends &ends) {
    command.add_option("--source", ends.source, "connection string of the source database (libpq)")
        ->envname("WALTRAIL_SOURCE");
    command
        .add_option("--destination", ends.destination,
                    "connection string of the destination database (libpq)")
        ->envname("WALTRAIL_DESTINATION");
    command.add_option("--slot", ends.slot, "replication slot on the source")
        ->envname("WALTRAIL_SLOT")
        ->capture_default_str();
}

// A value is a list of patterns; CLI11 must not split it, because a name in quotes may hold a comma.
CLI::Option *add_patterns(CLI::App &command, const PatternSetting &setting,
                          std::vector<std::string> &lists, const std::string &help) {
    return command.add_option(setting.flag, lists, help)
        ->allow_extra_args(false)
        ->type_name("PATTERNS")
        ->envname(setting.environment)
        ->check(
            [kind = setting.kind](const std::string &list) { return pattern_problem(kind, list); });
}

void add_selection(CLI::App &command, Selection &selection) {
    for (const PatternSetting &setting : pattern_settings())
        add_patterns(command, setting, selection.*setting.lists, setting.help);
    command.add_option("--truncate", selection.truncate, "record TRUNCATE")
        ->envname("WALTRAIL_TRUNCATE")
        ->capture_default_str();
}

void add_init(CLI::App &app, InitSettings &settings) {
    auto *command =
        app.add_subcommand("init", "prepare both ends: slot, replica identity, extension, table");
    add_ends(*command, settings.ends);
    command
        ->add_option("--label", settings.label,
                     "what the column \"database\" says (default: the database's name)")
        ->envname("WALTRAIL_LABEL");
    command
        ->add_option("--retention", settings.retention,
                     "15 days, 30 days, unlimited, or an interval (default: as it was, or 30 days)")
        ->envname("WALTRAIL_RETENTION");
    add_patterns(*command, pattern_settings().front(), settings.tables,
                 "patterns schema.table, with *, separated by commas, of tables that get REPLICA "
                 "IDENTITY FULL")
        ->capture_default_str();
    command
        ->add_option_function<unsigned>(
            "--slot-timeout",
            [&settings](unsigned seconds) {
                settings.slot_timeout = std::chrono::seconds(seconds);
            },
            "seconds to wait for open transactions while the slot is made (default: 60)")
        ->envname("WALTRAIL_SLOT_TIMEOUT");
    command->add_flag("--keep-replica-identity", settings.keep_replica_identity,
                      "leave REPLICA IDENTITY as it is: before holds only what the WAL then holds");
    command->add_flag("--context-triggers", settings.context_triggers,
                      "make triggers that record the context of statements, where the library "
                      "cannot be preloaded");
    command
        ->add_option("--comment-affix", settings.comment_affix,
                     "with --context-triggers: X for comments /*X {json} X*/")
        ->envname("WALTRAIL_COMMENT_AFFIX")
        ->capture_default_str();
    command
        ->add_flag("--remove", settings.remove,
                   "take away from the source what init has made there, but for slot and REPLICA "
                   "IDENTITY; with --context-triggers, only these")
        ->configurable(false);
    command->add_flag("--drop-slot", settings.drop_slot, "with --remove: the slot too")
        ->configurable(false);
}

// What has no meaning beside another option is refused where it was typed; in a file or the environment it is there for other
// runs of init.
void refuse_senseless(const InitSettings &settings, std::span<char *> words) {
    auto refuse = [&](std::initializer_list<const char *> flags, std::string_view reason) {
        for (const char *flag : flags)
            if (is_typed(words, flag))
                throw CLI::ValidationError(fmt::format("{} {}", flag, reason));
    };
    if (settings.remove)
        refuse({"--destination", "--label", "--retention", "--tables", "--slot-timeout",
                "--keep-replica-identity", "--comment-affix"},
               "has no meaning with --remove");
    else
        refuse({"--drop-slot"}, "needs --remove");
    if (settings.context_triggers)
        refuse({"--drop-slot"}, "has no meaning with --context-triggers, which leaves the slot");
    else
        refuse({"--comment-affix"}, "needs --context-triggers");
}

void add_seconds(CLI::App &command, const char *flag, const char *environment,
                 std::chrono::milliseconds &time, const std::string &help) {
    command
        .add_option_function<unsigned>(
            flag, [&time](unsigned seconds) { time = std::chrono::seconds(seconds); }, help)
        ->envname(environment)
        ->check(CLI::Range(1u, 86'400u));
}

void add_monitor(CLI::App &command, ApplySettings &settings) {
    command
        .add_option_function<std::string>(
            "--listen",
            [&settings](const std::string &listen) {
                settings.listen = listen;
                settings.listen_is_asked = true;
            },
            fmt::format("ADDRESS:PORT where /metrics, /healthz and /readyz are served, or off "
                        "(default: {})",
                        settings.listen))
        ->envname("WALTRAIL_LISTEN")
        ->check(listen_problem);
    add_seconds(command, "--metrics-interval", "WALTRAIL_METRICS_INTERVAL",
                settings.metrics_interval,
                "seconds between questions to the servers for metrics (default: 15)");
    add_seconds(command, "--health-patience", "WALTRAIL_HEALTH_PATIENCE", settings.health_patience,
                "seconds without progress until /healthz says so (default: 60)");
}

void add_apply(CLI::App &app, ApplySettings &settings) {
    auto *command =
        app.add_subcommand("apply", "write the source's changes to the destination, exactly once");
    add_ends(*command, settings.ends);
    command
        ->add_option("--until", settings.until,
                     "'now' or an LSN: apply what exists up to there, then exit 0")
        ->check([](const std::string &until) -> std::string {
            if (until == "now" || parse_lsn(until)) return "";
            return fmt::format("\"{}\" is neither 'now' nor an LSN as 0/1A2B3C4D", until);
        });
    command
        ->add_option(
            "--memory-bytes", settings.memory_bytes_max,
            "memory of the process, for any transaction; a single change that is larger needs more")
        ->envname("WALTRAIL_MEMORY_BYTES")
        ->check(CLI::Range(size_t{16} << 20, size_t{64} << 30))
        ->capture_default_str();
    command
        ->add_option("--writers", settings.writers,
                     "sessions of the destination that write side by side")
        ->envname("WALTRAIL_WRITERS")
        ->check(CLI::Range(1, 16))
        ->capture_default_str();
    command
        ->add_option("--batch-bytes", settings.batch_bytes_max,
                     "rows of one destination transaction, in bytes")
        ->envname("WALTRAIL_BATCH_BYTES")
        ->check(CLI::Range(size_t{1} << 10, size_t{1} << 30))
        ->capture_default_str();
    command
        ->add_option("--pending-bytes", settings.pending_bytes_max,
                     "what the pending list of a GIN index may hold; more than the usual while a "
                     "burst is written, which it makes faster, and questions meanwhile slower")
        ->envname("WALTRAIL_PENDING_BYTES")
        ->check(CLI::Range(size_t{64} << 10, size_t{64} << 30))
        ->capture_default_str();
    add_monitor(*command, settings);
    add_selection(*command, settings.selection);
}

void add_check(CLI::App &app, CheckSettings &settings) {
    auto *command = app.add_subcommand(
        "check", "look at both ends and say what keeps apply from working, changing nothing");
    add_ends(*command, settings.ends);
    add_selection(*command, settings.selection);
    command->add_flag("--json", settings.json, "print the findings as JSON");
}

void add_status(CLI::App &app, StatusSettings &settings) {
    auto *command = app.add_subcommand(
        "status", "say how far the trail is; with --source also how far behind its source");
    add_ends(*command, settings.ends);
    command->add_flag("--json", settings.json, "print the figures as JSON");
    command
        ->add_option_function<unsigned>(
            "--watch",
            [&settings](unsigned seconds) { settings.watch = std::chrono::seconds(seconds); },
            "again every SECONDS (default: 2), until it is interrupted; with --json a line each")
        ->expected(0, 1)
        ->default_str("2")
        ->type_name("SECONDS")
        ->check(CLI::Range(1u, 86'400u))
        ->configurable(false);
}

void add_verify(CLI::App &app, VerifySettings &settings) {
    auto *command = app.add_subcommand(
        "verify", "compare the rows of the source with the trail, while it is written to");
    add_ends(*command, settings.ends);
    add_selection(*command, settings.selection);
    command
        ->add_option("--range-rows", settings.range_rows,
                     "rows that are read by one statement, at most")
        ->envname("WALTRAIL_RANGE_ROWS")
        ->check(CLI::Range(size_t{1}, size_t{100'000}))
        ->capture_default_str();
    command
        ->add_option("--rows-per-second", settings.rows_per_second,
                     "rows that are read in a second, at most; 0: as fast as it goes")
        ->envname("WALTRAIL_ROWS_PER_SECOND")
        ->capture_default_str();
    command
        ->add_option_function<unsigned>(
            "--wait",
            [&settings](unsigned seconds) { settings.wait = std::chrono::seconds(seconds); },
            "seconds to wait for the trail to reach what was read (default: 60)")
        ->envname("WALTRAIL_WAIT");
    command->add_option("--list", settings.list_max, "differences that are listed, at most")
        ->envname("WALTRAIL_LIST")
        ->capture_default_str();
    command->add_flag("--values", settings.values, "list the values that differ, too");
    command->add_flag("--json", settings.json, "print what was found as JSON");
}

void add_decode(CLI::App &app, DecodeSettings &settings) {
    auto *command =
        app.add_subcommand("decode", "turn recorded frames into one JSON object a line");
    command
        ->add_option("file", settings.file,
                     "file of frames, as pg_recvlogical writes it; - for standard input")
        ->capture_default_str();
    command->add_option("--label", settings.label,
                        "what \"database\" says (default: the database's name)");
}

// After parsing rather than by CLI11, which would report a missing option before a misspelt one.
void require_destination(const Ends &ends) {
    if (ends.destination.empty()) throw CLI::RequiredError("--destination");
}

void require_source(const Ends &ends) {
    if (ends.source.empty()) throw CLI::RequiredError("--source");
}

void require_ends(const Ends &ends) {
    require_source(ends);
    require_destination(ends);
}

// In a file, "context-triggers" is a wish for them, and not that --remove leave everything else.
void require_init(InitSettings &settings, std::span<char *> words) {
    if (settings.remove) settings.context_triggers = is_typed(words, "--context-triggers");
    refuse_senseless(settings, words);
    settings.remove ? require_source(settings.ends) : require_ends(settings.ends);
}

void print_fault_points() {
    for (std::string_view name : fault_point_names) fmt::print("{}\n", name);
    throw CLI::Success();
}

} // namespace

bool is_typed(std::span<char *> words, std::string_view flag) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return word == flag || word.starts_with(fmt::format("{}=", flag));
    });
}

CommandLine::CommandLine() : file(std::make_shared<SettingsFile>(app)) {
    app.set_version_flag("--version", "waltrail " WALTRAIL_VERSION);
    app.set_config("--config", "", "TOML file with settings; one table for each subcommand");
    app.config_formatter(file);
    app.require_subcommand(0, 1);
    app.fallthrough();
    if constexpr (has_fault_points)
        app.add_flag_callback("--fault-points", print_fault_points, "print their names");
    app.add_option("--log-level", log_level, "debug, info, warn or error")
        ->envname("WALTRAIL_LOG_LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app.add_option("--log-format", log_format, "text or json, which is one JSON object a line")
        ->envname("WALTRAIL_LOG_FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    add_init(app, init);
    add_apply(app, apply);
    add_check(app, check);
    add_status(app, status);
    add_verify(app, verify);
    add_decode(app, decode);
}

void CommandLine::parse(int argc, char **argv) {
    words = std::span(argv, static_cast<size_t>(argc));
    app.parse(argc, argv);
    if (names("init"))
        require_init(init, words);
    else if (names("apply"))
        require_ends(apply.ends);
    else if (names("check"))
        require_ends(check.ends);
    else if (names("status"))
        require_destination(status.ends);
    else if (names("verify"))
        require_ends(verify.ends);
    else if (!names("decode"))
        throw CLI::RequiredError(
            fmt::format("a subcommand ({})", fmt::join(command_names(app), ", ")));
}

} // namespace waltrail

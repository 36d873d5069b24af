// What the user asked for: flags, then environment (WALTRAIL_*), then a TOML file, in that order. Parsed by CLI11 in
// command_line.cpp; defaults and limits are here.
#pragma once

#include "apply/selection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace waltrail {

// What most subcommands share: the two ends and the slot between them.
struct Ends {
    std::string source;      // libpq connection string
    std::string destination; // libpq connection string
    std::string slot = "waltrail";
    bool operator==(const Ends &) const = default;
};

struct ApplySettings {
    Ends ends;
    std::string until; // empty: for ever; "now"; or an LSN
    size_t memory_bytes_max = size_t{64} << 20;
    int writers = 3;                          // sessions of the destination that write
    size_t batch_bytes_max = size_t{8} << 20; // of rendered rows; a batch ends at the next commit
    size_t batch_transactions_max = 5000;
    std::chrono::milliseconds batch_age_max{1000};
    // Of each GIN index of a partition. More than what is usual declares a burst: nothing is cleaned while large batches are under way.
    static constexpr size_t pending_bytes_usual = size_t{4} << 20;
    size_t pending_bytes_max = pending_bytes_usual;
    [[nodiscard]] bool declares_burst() const { return pending_bytes_max > pending_bytes_usual; }
    std::chrono::milliseconds idle_record_interval{
        10'000}; // how often an idle source's position is recorded
    // On one server a record of progress is WAL itself, and makes the server write more: a snapshot of running transactions
    // some 15 s later, pages in full and a checkpoint. Less than this is taken for that echo and not recorded.
    uint64_t echo_bytes_max = uint64_t{64} << 10;
    // How often the source's time is recorded there, when nothing else is: changes.health() knows of it.
    std::chrono::milliseconds echo_record_interval{300'000};
    std::chrono::milliseconds reconnect_delay_min{500};
    std::chrono::milliseconds reconnect_delay_max{30'000};
    std::chrono::milliseconds maintenance_interval{
        3'600'000}; // between calls of changes.maintain()
    // Above the ports that exporters of Prometheus have among themselves (9100 to 9999) and below those of outgoing connections.
    std::string listen = "127.0.0.1:19187"; // of the HTTP listener; empty or "off": none
    bool listen_is_asked = false;           // it is not the default: nothing else will do
    std::chrono::milliseconds metrics_interval{15'000}; // between questions to the servers
    std::chrono::milliseconds health_patience{60'000};  // without progress
    Selection selection;
};

struct InitSettings {
    Ends ends;
    std::string label;                      // empty: the database's name
    std::string retention;                  // for changes.setup(); empty: as it was, or its default
    std::vector<std::string> tables{"*.*"}; // lists of patterns, of tables to be prepared
    bool keep_replica_identity = false;     // leave the tables as they are
    bool context_triggers = false;          // with `remove`: take away nothing else
    std::string comment_affix = "Bemi";     // of the comments that the context triggers read
    bool remove = false;                    // take away what an earlier init has made
    bool drop_slot = false;                 // with `remove`: the slot too
    std::chrono::milliseconds slot_timeout{60'000};
    std::string config_file; // empty: none was given
    Ends file_ends;          // what apply takes from that file
};

struct CheckSettings {
    Ends ends;
    Selection selection;
    bool json = false;
};

struct StatusSettings {
    Ends ends{.slot = ""}; // empty: every source that is registered
    bool json = false;
    std::optional<std::chrono::seconds> watch; // again and again, with this pause; none: once
};

struct VerifySettings {
    Ends ends;
    Selection selection;
    size_t range_rows = 1000;      // at most, of one statement at either end
    uint64_t rows_per_second = 0;  // at most; 0: no limit
    std::chrono::seconds wait{60}; // for the trail to reach what was read
    size_t list_max = 1000;        // differences that are listed
    bool values = false;           // list what differs, too
    bool json = false;
};

struct DecodeSettings {
    std::string file = "-";
    std::string label; // empty: the database's name
};

// The subcommands. They return the exit status; failures are Errors.
int run_init(const InitSettings &settings);
int run_remove(const InitSettings &settings); // init --remove
// `read` is called on SIGHUP; it throws where the file is not as it should be.
using ReadApplySettings = std::function<ApplySettings()>;
int run_apply(const ApplySettings &settings, const ReadApplySettings &read);
int run_check(const CheckSettings &settings);
int run_status(const StatusSettings &settings);
int run_verify(const VerifySettings &settings);
int run_decode(const DecodeSettings &settings);

} // namespace waltrail

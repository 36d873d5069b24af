// `waltrail init`: the order of its steps. First everything is checked and nothing written. Then:
//
//   1. the slot, because it may have to wait for open transactions, and the trail begins where it begins;
//   2. the destination, in a transaction that stays open until the last step;
//   3. the event trigger, before the tables that are there, so that none slips in between; before it, the function of the context
//      triggers, if they are asked for, because the event trigger then makes them too;
//   4. REPLICA IDENTITY FULL and context triggers for those tables;
//   5. COMMIT on the destination: only now do both ends know of each other.
//
// What goes wrong before the end of step 5, a signal too, takes back 1 to 4. Destination and source may be one server: no
// transaction is open on the destination while the slot is made, or it would wait for that.
#include "apply/counted.hpp"
#include "apply/fault_point.hpp"
#include "apply/identity.hpp"
#include "apply/init_context_triggers.hpp"
#include "apply/init_destination.hpp"
#include "apply/init_event_trigger.hpp"
#include "apply/init_interrupt.hpp"
#include "apply/init_preflight.hpp"
#include "apply/init_registration.hpp"
#include "apply/init_replica_identity.hpp"
#include "apply/init_slot.hpp"
#include "apply/init_summary.hpp"
#include "apply/init_undo.hpp"
#include "apply/log_format.hpp"
#include "apply/source_patterns.hpp"
#include "apply/source_schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <optional>

namespace waltrail {

namespace {

// What libpq and servers say are sentences; here one ends a line, or something follows it.
std::string without_full_stop(std::string text) {
    if (text.ends_with('.')) text.pop_back();
    return text;
}

class InitRun {
  public:
    explicit InitRun(const InitSettings &settings)
        : settings_(settings), source_(settings.ends.source, "source"),
          destination_(settings.ends.destination, "destination") {}

    // Writes nothing.
    void check() {
        pin_session(source_);
        pin_session(destination_);
        check_source(source_);
        check_destination(destination_);
        lock_init(source_);
        replication_.emplace(settings_.ends.source);
        identity_ = identify_source(source_, replication_->connection());
        registration_ = check_registration(source_, destination_, identity_, settings_.ends.slot,
                                           settings_.label);
        if (registration_.is_prepared)
            check_progress();
        else
            check_free_slot(source_);
        if (settings_.context_triggers) check_context_triggers(source_);
        if (changes_tables()) check_event_trigger(source_, settings_.ends.slot);
    }

    // All or nothing: what this throws has taken back what was made, or says what is left.
    void prepare() {
        UndoList undo;
        try {
            make(undo);
        } catch (const std::exception &error) {
            std::vector<std::string> left_behind = undo.run();
            std::string left;
            if (!left_behind.empty())
                left = fmt::format("; left behind: {}", fmt::join(left_behind, "; "));
            throw Error(Disposition::stop, without_full_stop(error.what()) + left);
        }
    }

    void report() {
        std::string slot = settings_.ends.slot;
        fmt::print("{}: slot \"{}\" {}\n", source_.where(), slot,
                   registration_.is_prepared
                       ? "already prepared"
                       : fmt::format("created at {}", slot_start_.consistent_point));
        if (settings_.keep_replica_identity)
            fmt::print("{}: REPLICA IDENTITY left as it is\n", source_.where());
        else
            report_identities();
        if (settings_.context_triggers) report_context_triggers();
        if (changes_tables()) report_event_trigger();
        fmt::print("{}: extension waltrail {}, table \"changes\", retention {}, {} as \"{}\"\n",
                   destination_.where(), WALTRAIL_VERSION, retention_,
                   registration_.is_prepared ? "source already registered" : "source registered",
                   registration_.label);
        std::fflush(stdout);
        for (auto &line : doubled_registrations(source_, destination_, identity_, slot))
            tell_warning(fmt::format("{}: {}", destination_.where(), line));
        for (auto &line : unmatched_patterns_)
            tell_warning(fmt::format("{}: {}", source_.where(), line));
        for (auto *warnings : {&identities_.warnings, &context_triggers_.warnings})
            for (auto &warning : *warnings) tell_warning(warning);
        for (auto &warning : maintain_partitions(destination_)) tell_warning(warning);
        fmt::print("now run: {}\n", apply_command_line(settings_));
    }

  private:
    // As apply does: what it would refuse is not called prepared. In this order, because apply records first and acknowledges then.
    void check_progress() {
        SlotState slot = read_slot(source_, settings_.ends.slot);
        Progress progress = find_source(destination_, identity_.database_name, settings_.ends.slot);
        read_progress(destination_, progress);
        check_identity(replication_->identify(), slot, settings_.ends.slot, progress);
    }

    void make(UndoList &undo) {
        if (!registration_.is_prepared) {
            slot_start_ = create_slot(source_, replication_->connection(), settings_);
            undo.add(
                fmt::format("slot \"{0}\" on the source (SELECT pg_drop_replication_slot('{0}'))",
                            settings_.ends.slot),
                [ends = settings_.ends] { drop_slot(ends); });
            fault_point("slot_made");
        }
        prepare_destination(destination_, settings_);
        fault_point("destination_prepared");
        if (!registration_.is_prepared)
            register_source(destination_, identity_, registration_.label, settings_.ends.slot,
                            slot_start_);
        if (changes_tables()) change_tables(undo);
        fault_point("source_prepared");
        SignalWatch::check();
        // A connection that is lost already shows here, and leaves no doubt about COMMIT.
        retention_ = kept_retention(destination_);
        if (registration_.is_prepared)
            destination_.execute("COMMIT");
        else
            commit(undo);
    }

    void commit(UndoList &undo) {
        std::string problem;
        switch (commit_destination(destination_, settings_.ends, identity_, problem)) {
        case CommitOutcome::committed:
            if (!destination_.is_lost()) return;
            destination_ = PostgresConnection(settings_.ends.destination, "destination");
            pin_session(destination_);
            return;
        case CommitOutcome::rolled_back:
            throw Error(Disposition::stop, problem);
        case CommitOutcome::unknown:
            undo.keep();
            throw Error(Disposition::stop,
                        fmt::format("whether the destination committed is not known: {}", problem),
                        "run init again when the destination is back; it says what to do");
        }
    }

    [[nodiscard]] bool changes_tables() const {
        return !settings_.keep_replica_identity || settings_.context_triggers;
    }

    void change_tables(UndoList &undo) {
        bool sets_identity = !settings_.keep_replica_identity;
        std::vector<TablePattern> patterns = parse_table_patterns(settings_.tables);
        std::string condition = tracked_table_condition(source_, patterns);
        unmatched_patterns_ =
            unmatched_patterns(source_, "--tables", PatternKind::table, settings_.tables);
        if (settings_.context_triggers) make_context_functions(source_, settings_, undo);
        has_event_trigger_ = may_make_event_trigger(source_);
        if (has_event_trigger_)
            make_event_trigger(source_, settings_.ends, patterns, sets_identity, undo);
        if (sets_identity)
            identities_ = set_replica_identities(source_, settings_.ends, condition, undo);
        if (settings_.context_triggers)
            context_triggers_ = set_context_triggers(source_, settings_.ends, patterns, undo);
    }

    void report_identities() {
        fmt::print("{}: REPLICA IDENTITY FULL set on {}, {} had it\n", source_.where(),
                   counted(identities_.changed, "table"), identities_.full);
        if (!identities_.price.empty()) fmt::print("  its price: {}\n", identities_.price);
    }

    void report_context_triggers() {
        const ContextTriggerReport &report = context_triggers_;
        fmt::print("{}: context triggers made on {}, {} had them{}\n", source_.where(),
                   counted(report.made, "table"), report.had,
                   report.taken > 0 ? fmt::format(", taken from {}", counted(report.taken, "other"))
                                    : "");
        if (report.is_needless)
            fmt::print("  they are not needed there: waltrail is in shared_preload_libraries; "
                       "\"waltrail init --remove --context-triggers\" takes them away\n");
    }

    void report_event_trigger() {
        std::string needed = settings_.keep_replica_identity ? "" : "REPLICA IDENTITY FULL";
        if (settings_.context_triggers)
            needed += needed.empty() ? "a context trigger" : " and a context trigger";
        if (has_event_trigger_)
            fmt::print("  new tables get {} by event trigger \"{}\"\n", needed,
                       event_trigger_name(settings_.ends.slot));
        else
            fmt::print("  new tables need {}, or another run of init: only a superuser may make "
                       "the event trigger that does it\n",
                       settings_.context_triggers ? needed : "ALTER TABLE … REPLICA IDENTITY FULL");
    }

    const InitSettings &settings_;
    PostgresConnection source_, destination_;
    std::optional<ReplicationStream> replication_;
    SourceIdentity identity_;
    Registration registration_;
    SlotStart slot_start_;
    std::string retention_;
    IdentityReport identities_;
    ContextTriggerReport context_triggers_;
    std::vector<std::string> unmatched_patterns_;
    bool has_event_trigger_ = false;
};

} // namespace

int run_init(const InitSettings &settings) {
    check_init_settings(settings);
    InitRun run(settings);
    run.check();
    {
        SignalWatch watch;
        run.prepare();
    }
    fault_point("init_committed");
    run.report();
    return static_cast<int>(ExitCode::success);
}

} // namespace waltrail

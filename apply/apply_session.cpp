#include "apply/apply_session.hpp"

#include "apply/batch_renderer.hpp"
#include "apply/batch_writer.hpp"
#include "apply/cancel_on_stop.hpp"
#include "apply/fault_point.hpp"
#include "apply/identity.hpp"
#include "apply/idle_record.hpp"
#include "apply/log_format.hpp"
#include "apply/one_server.hpp"
#include "apply/own_tables.hpp"
#include "apply/prerequisites.hpp"
#include "apply/progress.hpp"
#include "apply/replication_stream.hpp"
#include "apply/source_lock.hpp"
#include "apply/stop_wait.hpp"
#include "apply/stream_receiver.hpp"
#include "apply/trail_rights.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <deque>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds pop_patience{250};
// At the end, for what is with the writers. What takes longer is rolled back, and comes again with the next start.
constexpr milliseconds end_patience{10'000};
constexpr milliseconds slot_poll_interval{250};
// A walsender that has lost its client notices after wal_sender_timeout; this much later the slot must be free.
constexpr milliseconds slot_grace{5'000};
constexpr milliseconds slot_patience_without_timeout{60'000};

PostgresConnection connect_destination(const ApplySettings &settings) {
    PostgresConnection destination(settings.ends.destination, "destination");
    pin_session(destination); // commit_durably() must see the server's warnings
    destination.execute("SET synchronous_commit = on");
    destination.execute(
        fmt::format("SET gin_pending_list_limit = '{}kB'", settings.pending_bytes_max >> 10));
    return destination;
}

// A slot stays active for a while after its client was killed.
SlotState wait_for_slot(ReplicationStream &stream, const std::string &name,
                        milliseconds sender_timeout, std::stop_token stop) {
    milliseconds patience = sender_timeout == milliseconds::zero() ? slot_patience_without_timeout
                                                                   : sender_timeout + slot_grace;
    auto deadline = std::chrono::steady_clock::now() + patience;
    SlotState state = read_slot(stream.connection(), name);
    bool told = false;
    while (state.active && !stop.stop_requested()) {
        if (std::chrono::steady_clock::now() >= deadline)
            throw Error(Disposition::reconnect,
                        fmt::format("slot \"{}\" of {} is in use by process {}", name,
                                    stream.connection().where(), state.active_pid),
                        "stop the other client, or end its walsender with pg_terminate_backend", "",
                        stream.connection().end());
        if (!told)
            spdlog::info("slot \"{}\" is still in use by process {}: waiting up to {} s", name,
                         state.active_pid, patience.count() / 1000);
        told = true;
        wait_for(slot_poll_interval, stop);
        state = read_slot(stream.connection(), name);
    }
    return state;
}

std::map<std::string, std::string> stream_options(const ApplySettings &settings,
                                                  const OwnTables &own_tables) {
    std::map<std::string, std::string> options = plugin_options(settings.selection);
    options["format"] = "binary";
    options["exclude_oids"] = own_tables.oids();
    return options;
}

std::optional<Lsn> target_of(const std::string &until, ReplicationStream &stream) {
    if (until.empty()) return std::nullopt;
    if (until == "now") return stream.flushed_now();
    return parse_lsn(until);
}

// Takes what the reader delivers, renders it, and acknowledges what is recorded, until the stop or the target.
void render_stream(FrameQueue &frames, BatchRenderer &renderer, BatchQueue &batches,
                   IdleRecord &idle, StreamReceiver &receiver, SourceClock &clock, Monitor &monitor,
                   ServiceManager &service, std::optional<Lsn> target, std::stop_token stop,
                   SessionOutcome &outcome) {
    Lsn acknowledged = batches.recorded().end;
    while (true) {
        service.beat();
        auto delivery = frames.pop(pop_patience, stop);
        batches.rethrow_failure();
        if (delivery && !delivery->frame.empty()) {
            monitor.received(delivery->frame.size());
            if (!renderer.take_frame(delivery->frame, stop)) return;
        } else if (delivery) {
            renderer.take_position(delivery->position);
        }
        if (stop.stop_requested()) break;
        if (auto time = clock.reached(renderer.received_end())) {
            fault_point("time_reached");
            renderer.note_source_time(*time);
        }
        if (frames.empty() && !renderer.settle(stop)) return;
        bool reached = target && renderer.received_end() >= *target;
        bool asked = delivery && delivery->reply_requested;
        idle.record_if_due(reached || asked);
        if (idle.wants_source_time()) clock.ask();
        Lsn recorded = batches.recorded().end;
        if (recorded > acknowledged) {
            fault_point("batch_finished");
            acknowledged = recorded;
            receiver.acknowledge(acknowledged);
            outcome.progressed = true;
        }
        if (target && acknowledged >= *target) break;
    }
    // A batch of which a piece is missing is never sealed: nobody may wait for it.
    if (renderer.settle(stop) && !renderer.in_transaction() && batches.wait_idle(end_patience)) {
        // The target's batch may not have known the source's time yet.
        idle.record_if_due(target.has_value());
        batches.wait_idle(end_patience);
    }
    receiver.acknowledge(batches.recorded().end);
}

// Ends the writers and waits for them: each ends at its next step or, once a stop is requested, at once. After an error they
// have their time: a destination that is gone would not answer the request to cancel either.
struct CancelAtEnd {
    BatchQueue &batches;
    std::deque<BatchWriter> &writers;
    const std::stop_token &stop;
    ~CancelAtEnd() {
        bool is_idle = batches.is_idle();
        batches.cancel();
        if (is_idle) return;
        std::vector<std::jthread> cancelling;
        std::stop_callback on_stop(stop, [&] {
            for (BatchWriter &writer : writers)
                cancelling.emplace_back([&writer] { writer.cancel(); });
        });
        for (BatchWriter &writer : writers) writer.join();
    }
};

} // namespace

void run_apply_session(const ApplySettings &settings, const RefusedRows &refused,
                       Maintenance &maintenance, SourceClock &clock, PatternWarnings &patterns,
                       Monitor &monitor, ServiceManager &service, std::stop_token stop,
                       SessionOutcome &outcome) {
    ReplicationStream stream(settings.ends.source);
    SourceSystem system = stream.identify();
    PostgresConnection destination = connect_destination(settings);
    bool one_server = is_one_server(destination, stream.connection());
    if (one_server) refuse_to_be_awaited(stream.connection());
    require(destination, encoding_problem(destination));
    require_trail(destination);
    require_trail_rights(destination, TrailUse::write);
    Progress progress = find_source(destination, system.database, settings.ends.slot);
    lock_source(destination, progress, stop);
    fault_point("source_locked");
    if (stop.stop_requested()) return;
    read_progress(destination, progress);
    system = stream.identify(); // how far its WAL goes, after what has been recorded of it

    // Each stop() of the identity is looked at before waiting for a slot that another client holds.
    SlotState slot = read_slot(stream.connection(), settings.ends.slot);
    check_identity(system, slot, settings.ends.slot, progress);
    if (slot.active) {
        slot = wait_for_slot(stream, settings.ends.slot, system.sender_timeout, stop);
        if (stop.stop_requested()) return;
        check_identity(system, slot, settings.ends.slot, progress);
    }
    clock.begin(read_moment(stream.connection()));
    std::optional<Lsn> target = target_of(settings.until, stream);
    DestinationClock destination_clock;
    {
        CancelOnStop cancel(destination, stop); // the COMMIT may wait for a standby
        destination_clock.set(confirm_progress(destination, progress));
    }
    fault_point("progress_confirmed");
    name_source_in_log(progress.label, settings.ends.slot);
    maintenance.start(stop);
    if (stop.stop_requested()) return;
    fault_point("trail_maintained");

    StartPoint start = start_point(slot, progress);
    OwnTables own_tables(stream.connection(), settings.ends.source);
    stream.start(settings.ends.slot, start.lsn, stream_options(settings, own_tables));
    fault_point("stream_started");
    outcome.streamed = true;
    monitor.begins(progress);
    std::string streaming = fmt::format("streaming source \"{}\" from {} into {}", progress.label,
                                        lsn_text(start.lsn), destination.where());
    spdlog::info("{}", streaming);
    service.streaming(one_line(streaming));
    patterns.tell();

    FrameQueue frames(settings.memory_bytes_max / 4);
    BatchQueue batches(progress.recorded_end, settings.memory_bytes_max / 4, maintenance.backlog(),
                       [&frames] { frames.wake(); });
    BatchRenderer renderer(batches, destination_clock, progress, start, refused, own_tables,
                           settings);
    IdleRecord idle(batches, renderer, settings, one_server);
    std::deque<PostgresConnection> more_destinations;
    std::deque<BatchWriter> writers;
    CancelAtEnd cancel{batches, writers, stop};
    // The first is the session that holds the lock of the source: who loses the lock stops writing.
    writers.emplace_back(destination, batches, destination_clock, progress, system.timeline,
                         monitor);
    while (static_cast<int>(writers.size()) < settings.writers) {
        more_destinations.push_back(connect_destination(settings));
        share_source_lock(more_destinations.back(), progress);
        writers.emplace_back(more_destinations.back(), batches, destination_clock, progress,
                             system.timeline, monitor);
    }
    {
        StreamReceiver receiver(stream, frames, progress.recorded_end, system.sender_timeout,
                                target.has_value());
        Monitor::Stream watched(monitor, frames, batches, receiver, maintenance);
        render_stream(frames, renderer, batches, idle, receiver, clock, monitor, service, target,
                      stop, outcome);
    }
    Recorded recorded = batches.recorded();
    spdlog::info("ended at {}: {} changes written, {} quarantined", lsn_text(recorded.end),
                 recorded.changes, recorded.quarantined);
}

} // namespace waltrail

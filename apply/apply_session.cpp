#include "apply/apply_session.hpp"

#include "apply/batch_writer.hpp"
#include "apply/identity.hpp"
#include "apply/progress.hpp"
#include "apply/replication_stream.hpp"
#include "apply/stop_wait.hpp"
#include "apply/stream_receiver.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds pop_patience{250};
constexpr milliseconds slot_poll_interval{250};
// A walsender that has lost its client notices after wal_sender_timeout; this much later the slot must be free.
constexpr milliseconds slot_grace{5'000};
constexpr milliseconds slot_patience_without_timeout{60'000};

PostgresConnection connect_destination(const ApplySettings &settings) {
    PostgresConnection destination(settings.ends.destination, "destination");
    destination.execute(
        "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = 0; "
        "SET statement_timeout = 0; SET lock_timeout = 0; SET search_path = pg_catalog, pg_temp; "
        "SET client_min_messages = warning"); // commit_durably() must see the server's warning
    return destination;
}

// The apply process would record its own writes, for ever. A physical copy has the same system identifier, but not the same
// start.
void refuse_same_database(PostgresConnection &destination, ReplicationStream &stream) {
    constexpr const char *instance_sql =
        "SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time()), d.oid, "
        "d.datname FROM pg_catalog.pg_database d "
        "WHERE d.datname = pg_catalog.current_database()";
    Result there = destination.execute(instance_sql);
    Result here = stream.connection().execute(instance_sql);
    if (there.text(0, 0) != here.text(0, 0) || there.text(0, 1) != here.text(0, 1)) return;
    throw Error(Disposition::stop,
                fmt::format("source and destination are the same database \"{}\"", here.text(0, 2)),
                "use another database of the same server, or another server, as the destination");
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
            throw Error(Disposition::stop,
                        fmt::format("slot \"{}\" of {} is in use by process {}", name,
                                    stream.connection().where(), state.active_pid),
                        "stop the other client, or end its walsender with pg_terminate_backend");
        if (!told)
            spdlog::info("slot \"{}\" is still in use by process {}: waiting up to {} s", name,
                         state.active_pid, patience.count() / 1000);
        told = true;
        wait_for(slot_poll_interval, stop);
        state = read_slot(stream.connection(), name);
    }
    return state;
}

std::optional<Lsn> target_of(const std::string &until, ReplicationStream &stream) {
    if (until.empty()) return std::nullopt;
    if (until == "now") return stream.flushed_now();
    return parse_lsn(until);
}

// The writer's loop: takes what the reader delivers until the stop or the target.
void write_stream(FrameQueue &queue, BatchWriter &writer, StreamReceiver &receiver,
                  std::optional<Lsn> target, std::stop_token stop, SessionOutcome &outcome) {
    Lsn acknowledged = writer.recorded_end();
    while (!stop.stop_requested()) {
        auto delivery = queue.pop(pop_patience, stop);
        if (delivery && !delivery->frame.empty())
            writer.take_frame(delivery->frame);
        else if (delivery)
            writer.take_position(delivery->position);
        if (stop.stop_requested()) break;
        if (queue.empty()) writer.settle();
        bool reached = target && writer.received_end() >= *target;
        writer.record_idle_position(reached);
        if (writer.recorded_end() > acknowledged) {
            acknowledged = writer.recorded_end();
            receiver.acknowledge(acknowledged);
            outcome.progressed = true;
        }
        if (target && acknowledged >= *target) return;
    }
    writer.settle();
    receiver.acknowledge(writer.recorded_end());
}

} // namespace

void run_apply_session(const ApplySettings &settings, const RefusedRows &refused,
                       Maintenance &maintenance, std::stop_token stop, SessionOutcome &outcome) {
    ReplicationStream stream(settings.ends.source);
    SourceSystem system = stream.identify();
    PostgresConnection destination = connect_destination(settings);
    refuse_same_database(destination, stream);
    Progress progress = read_progress(destination, system.database, settings.ends.slot);

    // Each stop() of the identity is looked at before waiting for a slot that another client holds.
    SlotState slot = read_slot(stream.connection(), settings.ends.slot);
    check_identity(system, slot, settings.ends.slot, progress);
    if (slot.active) {
        slot = wait_for_slot(stream, settings.ends.slot, system.sender_timeout, stop);
        if (stop.stop_requested()) return;
        check_identity(system, slot, settings.ends.slot, progress);
    }
    std::optional<Lsn> target = target_of(settings.until, stream);
    confirm_progress(destination, progress);
    maintenance.start();

    StartPoint start = start_point(slot, progress);
    std::map<std::string, std::string> options = plugin_options(settings.selection);
    options["format"] = "binary";
    stream.start(settings.ends.slot, start.lsn, options);
    outcome.streamed = true;
    spdlog::info("streaming source \"{}\" from {} into {}", progress.label, lsn_text(start.lsn),
                 destination.where());

    FrameQueue queue(settings.queue_bytes_max);
    BatchWriter writer(destination, progress, start, system.timeline, refused, settings);
    {
        StreamReceiver receiver(stream, queue, progress.recorded_end, system.sender_timeout,
                                target.has_value());
        write_stream(queue, writer, receiver, target, stop, outcome);
    }
    spdlog::info("ended at {}: {} changes written, {} quarantined", lsn_text(writer.recorded_end()),
                 writer.changes_written(), writer.changes_quarantined());
}

} // namespace waltrail

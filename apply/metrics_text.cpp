#include "apply/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <sstream>
#include <utility>

namespace waltrail {

namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;
using Families = std::vector<prometheus::MetricFamily>;

// One gauge, of which there may be several values with labels.
class Gauge {
  public:
    Gauge(const char *name, const char *help) {
        family_.name = name;
        family_.help = help;
        family_.type = prometheus::MetricType::Gauge;
    }
    Gauge &&with(double value, Labels labels = {}) && {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        metric.gauge.value = value;
        family_.metric.push_back(std::move(metric));
        return std::move(*this);
    }
    template <typename Value> Gauge &&with(const std::optional<Value> &value) && {
        return value ? std::move(*this).with(static_cast<double>(*value)) : std::move(*this);
    }
    void add_to(Families &families) && {
        if (!family_.metric.empty()) families.push_back(std::move(family_));
    }

  private:
    prometheus::MetricFamily family_;
};

void add_process(Families &families, const Gauges &gauges) {
    Gauge("waltrail_build_info", "1; the labels say which versions, and whose trail it is.")
        .with(1, {{"version", WALTRAIL_VERSION},
                  {"source_postgres", gauges.source_version},
                  {"destination_postgres", gauges.destination_version},
                  {"source", gauges.label},
                  {"slot", gauges.slot}})
        .add_to(families);
    Gauge("waltrail_healthy", "1 while /healthz answers 200.")
        .with(gauges.is_healthy)
        .add_to(families);
    Gauge("waltrail_streaming", "1 while a stream is open and both ends are connected.")
        .with(gauges.is_streaming)
        .add_to(families);
    Gauge("waltrail_queue_bytes", "Bytes that wait: frames to be rendered, rows to be written.")
        .with(static_cast<double>(gauges.frame_bytes), {{"queue", "frames"}})
        .with(static_cast<double>(gauges.row_bytes), {{"queue", "rows"}})
        .add_to(families);
    Gauge("waltrail_batches_under_way", "Batches that are being filled or written.")
        .with(static_cast<double>(gauges.batches))
        .add_to(families);
    Gauge("waltrail_last_record_timestamp_seconds",
          "When progress was recorded last, by the clock of apply's machine.")
        .with(gauges.last_record_s)
        .add_to(families);
    Gauge("waltrail_last_commit_timestamp_seconds",
          "Commit time of the last recorded transaction, by the source's clock.")
        .with(gauges.last_commit_s)
        .add_to(families);
}

void add_source(Families &families, const WatchedFigures &figures) {
    if (figures.lag) {
        Gauge("waltrail_lag_bytes", "WAL of the source that is not recorded yet.")
            .with(static_cast<double>(figures.lag->bytes))
            .add_to(families);
        Gauge("waltrail_lag_seconds", "How old the newest state is that the trail is complete to, "
                                      "at most; 0 when nothing is left to record.")
            .with(figures.lag->seconds)
            .add_to(families);
    }
    if (!figures.source) return;
    const SourceFigures &source = *figures.source;
    Gauge("waltrail_slot_lost", "1 when the slot is missing or invalidated.")
        .with(source.slot_is_lost)
        .add_to(families);
    Gauge("waltrail_slot_retained_bytes", "WAL that the source keeps for the slot.")
        .with(source.retained_bytes)
        .add_to(families);
    Gauge("waltrail_slot_safe_wal_bytes",
          "WAL that may still be written before the slot may be invalidated; absent without a "
          "limit.")
        .with(source.safe_wal_bytes)
        .add_to(families);
    Gauge("waltrail_slot_catalog_xmin_age_transactions",
          "Age of the oldest row version in the source's catalogs that VACUUM keeps for the slot.")
        .with(source.catalog_xmin_age)
        .add_to(families);
}

void add_destination(Families &families, const Gauges &gauges) {
    std::optional<int64_t> pending = gauges.pending_bytes;
    if (const auto &destination = gauges.figures.destination) {
        Gauge("waltrail_quarantine_changes", "Changes of the source that are in quarantine.")
            .with(destination->quarantined)
            .add_to(families);
        Gauge("waltrail_gaps", "Ranges that are noted as missing from the trail.")
            .with(destination->gaps)
            .add_to(families);
        if (destination->pending_bytes) pending = destination->pending_bytes;
    }
    Gauge("waltrail_pending_list_bytes",
          "Longest pending list of the trail's GIN indexes when they were looked at last.")
        .with(pending)
        .add_to(families);
}

} // namespace

std::string metrics_text(const ApplyMetrics &counted, const Gauges &gauges) {
    Families families = counted.collect();
    add_process(families, gauges);
    Gauge("waltrail_up", "1 when the server answered when it was asked for these metrics last.")
        .with(gauges.figures.source.has_value(), {{"end", "source"}})
        .with(gauges.figures.destination.has_value(), {{"end", "destination"}})
        .add_to(families);
    add_source(families, gauges.figures);
    add_destination(families, gauges);
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    return out.str();
}

} // namespace waltrail

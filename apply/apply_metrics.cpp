#include "apply/apply_metrics.hpp"

namespace waltrail {

namespace {

constexpr std::array operation_labels{"create", "update", "delete", "truncate"};
static_assert(operation_labels.size() == OperationCounts::operations.size());

// From a commit without fsync to one that waits for a standby on another continent, or for a disk that is too busy.
const prometheus::Histogram::BucketBoundaries commit_buckets_s{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

} // namespace

ApplyMetrics::ApplyMetrics()
    : changes_(operation_counters("waltrail_changes_total",
                                  "Changes that are recorded in the trail, by operation.")),
      rendered_bytes_(operation_counters(
          "waltrail_rendered_bytes_total",
          "Bytes of the rows that these changes are at the destination, by operation.")),
      transactions_(counter("waltrail_transactions_total",
                            "Transactions of the source that are recorded in the trail.")),
      batches_(counter("waltrail_batches_total",
                       "Transactions of the destination that wrote transactions of the source.")),
      quarantined_(counter("waltrail_quarantined_changes_total",
                           "Changes that went to changes.quarantine instead of the trail.")),
      received_bytes_(counter("waltrail_received_bytes_total",
                              "Bytes of change frames received from the source.")),
      commit_s_(prometheus::BuildHistogram()
                    .Name("waltrail_commit_duration_seconds")
                    .Help("How long the COMMIT of a batch took at the destination, those that "
                          "record a mere position too.")
                    .Register(registry_)
                    .Add({}, commit_buckets_s)) {
    auto &reconnects = prometheus::BuildCounter()
                           .Name("waltrail_reconnects_total")
                           .Help("Streams that failed, or could not be opened, and were tried "
                                 "again, by the end that failed.")
                           .Register(registry_);
    source_reconnects_ = &reconnects.Add({{"end", "source"}});
    destination_reconnects_ = &reconnects.Add({{"end", "destination"}});
}

prometheus::Counter &ApplyMetrics::counter(const char *name, const char *help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add({});
}

ApplyMetrics::OperationCounters ApplyMetrics::operation_counters(const char *name,
                                                                 const char *help) {
    auto &family = prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
    OperationCounters counters{};
    for (size_t i = 0; i < counters.size(); i++)
        counters[i] = &family.Add({{"operation", operation_labels[i]}});
    return counters;
}

void ApplyMetrics::recorded(const RecordedBatch &batch) {
    for (size_t i = 0; i < changes_.size(); i++) {
        wire::Operation operation = OperationCounts::operations[i];
        changes_[i]->Increment(static_cast<double>(batch.changes[operation]));
        rendered_bytes_[i]->Increment(static_cast<double>(batch.bytes[operation]));
    }
    transactions_.Increment(static_cast<double>(batch.transactions));
    batches_.Increment(batch.transactions > 0 ? 1 : 0);
    quarantined_.Increment(static_cast<double>(batch.quarantined));
    commit_s_.Observe(batch.commit_s);
}

void ApplyMetrics::reconnects(std::string_view end) {
    (end == "source" ? source_reconnects_ : destination_reconnects_)->Increment();
}

} // namespace waltrail

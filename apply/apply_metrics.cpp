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
    : transactions_(counter("waltrail_transactions_total",
                            "Transactions of the source that are recorded in the trail.")),
      batches_(counter("waltrail_batches_total",
                       "Transactions of the destination that wrote transactions of the source.")),
      quarantined_(counter("waltrail_quarantined_changes_total",
                           "Changes that went to changes.quarantine instead of the trail.")),
      received_bytes_(counter("waltrail_received_bytes_total",
                              "Bytes of change frames received from the source.")),
      rendered_bytes_(counter("waltrail_rendered_bytes_total",
                              "Bytes of rows that were written to the destination.")),
      commit_s_(prometheus::BuildHistogram()
                    .Name("waltrail_commit_duration_seconds")
                    .Help("How long the COMMIT of a batch took at the destination, those that "
                          "record a mere position too.")
                    .Register(registry_)
                    .Add({}, commit_buckets_s)) {
    auto &changes = prometheus::BuildCounter()
                        .Name("waltrail_changes_total")
                        .Help("Changes that are recorded in the trail, by operation.")
                        .Register(registry_);
    for (size_t i = 0; i < changes_.size(); i++)
        changes_[i] = &changes.Add({{"operation", operation_labels[i]}});
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

void ApplyMetrics::recorded(const RecordedBatch &batch) {
    for (size_t i = 0; i < changes_.size(); i++)
        if (uint64_t count = batch.changes[OperationCounts::operations[i]]; count > 0)
            changes_[i]->Increment(static_cast<double>(count));
    transactions_.Increment(static_cast<double>(batch.transactions));
    batches_.Increment(batch.transactions > 0 ? 1 : 0);
    quarantined_.Increment(static_cast<double>(batch.quarantined));
    rendered_bytes_.Increment(static_cast<double>(batch.rendered_bytes));
    commit_s_.Observe(batch.commit_s);
}

void ApplyMetrics::reconnects(std::string_view end) {
    (end == "source" ? source_reconnects_ : destination_reconnects_)->Increment();
}

} // namespace waltrail

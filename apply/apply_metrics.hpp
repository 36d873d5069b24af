// What apply counts while it works. Each counter is an atomic of prometheus-cpp, and is bumped once for a frame or a batch, never
// for a change.
#pragma once

#include "apply/operation_counts.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <string_view>
#include <vector>

namespace waltrail {

// A batch that has just become durable.
struct RecordedBatch {
    OperationCounts changes; // those in the trail
    OperationCounts bytes;   // of their rows
    uint64_t transactions = 0;
    uint64_t quarantined = 0;
    double commit_s = 0;
};

// Any thread may call anything.
class ApplyMetrics {
  public:
    ApplyMetrics();
    ApplyMetrics(const ApplyMetrics &) = delete;
    ApplyMetrics &operator=(const ApplyMetrics &) = delete;

    void received(size_t bytes) { received_bytes_.Increment(static_cast<double>(bytes)); }
    void recorded(const RecordedBatch &batch);
    // A stream has failed at that end ("source", otherwise the destination) and is opened again.
    void reconnects(std::string_view end);

    [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const {
        return registry_.Collect();
    }

  private:
    using Counter = prometheus::Counter;

    using OperationCounters = std::array<Counter *, OperationCounts::operations.size()>;

    Counter &counter(const char *name, const char *help);
    OperationCounters operation_counters(const char *name, const char *help);

    prometheus::Registry registry_;
    OperationCounters changes_;
    OperationCounters rendered_bytes_;
    Counter &transactions_;
    Counter &batches_;
    Counter &quarantined_;
    Counter &received_bytes_;
    Counter *source_reconnects_ = nullptr;
    Counter *destination_reconnects_ = nullptr;
    prometheus::Histogram &commit_s_;
};

} // namespace waltrail

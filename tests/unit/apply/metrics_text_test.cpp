#include "apply/metrics_text.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

bool has_line(const std::string &text, const std::string &line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(MetricsText, what_is_counted) {
    ApplyMetrics metrics;
    metrics.received(1000);
    RecordedBatch batch{
        .changes = {}, .bytes = {}, .transactions = 3, .quarantined = 1, .commit_s = 0.003};
    batch.changes[wire::Operation::insert] = 5;
    batch.bytes[wire::Operation::insert] = 500;
    batch.changes[wire::Operation::remove] = 2;
    metrics.recorded(batch);
    metrics.recorded({.commit_s = 0.2}); // a position
    metrics.reconnects("source");
    metrics.reconnects("destination");
    metrics.reconnects("destination");
    std::string text = metrics_text(metrics, {});
    for (const char *line :
         {"waltrail_changes_total{operation=\"create\"} 5",
          "waltrail_changes_total{operation=\"update\"} 0",
          "waltrail_changes_total{operation=\"delete\"} 2",
          "waltrail_changes_total{operation=\"truncate\"} 0", "waltrail_transactions_total 3",
          "waltrail_batches_total 1", "waltrail_quarantined_changes_total 1",
          "waltrail_received_bytes_total 1000",
          "waltrail_rendered_bytes_total{operation=\"create\"} 500",
          "waltrail_rendered_bytes_total{operation=\"delete\"} 0",
          "waltrail_reconnects_total{end=\"source\"} 1",
          "waltrail_reconnects_total{end=\"destination\"} 2",
          "waltrail_commit_duration_seconds_count 2",
          "waltrail_commit_duration_seconds_bucket{le=\"0.005\"} 1",
          "# TYPE waltrail_commit_duration_seconds histogram",
          "# TYPE waltrail_changes_total counter"})
        EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
}

TEST(MetricsText, what_is_not_known_is_not_said) {
    std::string text = metrics_text(ApplyMetrics(), {});
    EXPECT_TRUE(has_line(text, "waltrail_up{end=\"source\"} 0"));
    EXPECT_TRUE(has_line(text, "waltrail_up{end=\"destination\"} 0"));
    for (const char *name : {"waltrail_lag_", "waltrail_slot_", "waltrail_gaps",
                             "waltrail_quarantine_changes", "waltrail_pending_", "waltrail_last_"})
        EXPECT_EQ(text.find(name), std::string::npos) << name;
}

TEST(MetricsText, what_the_servers_tell) {
    Gauges gauges{.label = "a \"shop\"\n\\", .slot = "waltrail"};
    gauges.pending_bytes = 5;
    SourceFigures source;
    source.retained_bytes = 7;
    gauges.figures = {source, Lag{42, 1.5}, DestinationFigures{.quarantined = 3, .gaps = 1}};
    std::string text = metrics_text(ApplyMetrics(), gauges);
    for (const char *line :
         {"waltrail_up{end=\"source\"} 1", "waltrail_up{end=\"destination\"} 1",
          "waltrail_lag_bytes 42", "waltrail_lag_seconds 1.5", "waltrail_slot_lost 0",
          "waltrail_slot_retained_bytes 7", "waltrail_quarantine_changes 3", "waltrail_gaps 1",
          "waltrail_pending_list_bytes 5"})
        EXPECT_TRUE(has_line(text, line)) << line << "\n" << text;
    EXPECT_EQ(text.find("waltrail_slot_safe_wal_bytes"), std::string::npos); // no limit is set
    EXPECT_NE(text.find("source=\"a \\\"shop\\\"\\n\\\\\""), std::string::npos) << text;
    gauges.figures.destination->pending_bytes =
        6; // seen just now, rather than when they were cleaned
    EXPECT_TRUE(has_line(metrics_text(ApplyMetrics(), gauges), "waltrail_pending_list_bytes 6"));
}

} // namespace
} // namespace waltrail

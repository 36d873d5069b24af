// The reader thread: owns the replication connection from start to end. It moves messages into the queue, answers keepalives,
// and sends feedback on time even while the writer is busy and the queue full. What it acknowledges is only what the writer
// has recorded. An idle source says nothing by itself, so one that has been silent for long is asked for a sign of life.
#pragma once

#include "apply/frame_queue.hpp"
#include "apply/replication_stream.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace waltrail {

class StreamReceiver {
  public:
    // Starts the thread on a stream that has been started. `durable` is what may be acknowledged so far. With `eager` it asks
    // the server for its position several times a second (apply --until).
    StreamReceiver(ReplicationStream &stream, FrameQueue &queue, Lsn durable,
                   std::chrono::milliseconds sender_timeout, bool eager);
    // Sends the last feedback, ends the stream and joins.
    ~StreamReceiver();
    StreamReceiver(const StreamReceiver &) = delete;
    StreamReceiver &operator=(const StreamReceiver &) = delete;

    // Everything before `lsn` is recorded: it will be acknowledged at once.
    void acknowledge(Lsn lsn);
    // When the source's last message came; an idle source is asked for one with the feedback.
    [[nodiscard]] std::chrono::steady_clock::time_point heard_at() const {
        return Clock::time_point(Clock::duration(heard_at_.load(std::memory_order_relaxed)));
    }

  private:
    using Clock = std::chrono::steady_clock;

    void run(std::stop_token stop);
    void receive_all(std::stop_token stop);
    void deliver(Delivery delivery, std::stop_token stop);
    void feed_back_if_due();
    void feed_back();
    void look_after_silence();
    [[nodiscard]] Clock::duration silence() const { return Clock::now() - heard_at(); }
    void hear() {
        heard_at_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    }

    ReplicationStream &stream_;
    FrameQueue &queue_;
    std::chrono::milliseconds silence_max_; // 0: for ever
    std::chrono::milliseconds interval_;
    bool eager_;
    int wake_fd_;
    std::atomic<uint64_t> durable_;
    std::atomic<Clock::rep> heard_at_{Clock::now().time_since_epoch().count()};
    Lsn received_{};
    Lsn acknowledged_{};
    Clock::time_point sent_at_{};
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail

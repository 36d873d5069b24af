#include "apply/stream_receiver.hpp"

#include "apply/fault_point.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds feedback_interval_max{10'000};
constexpr milliseconds eager_interval{50};
constexpr milliseconds queue_patience{100};

// Often enough for the server, which ends a stream without feedback, and to ask it in good time whether it is there.
milliseconds feedback_interval(milliseconds sender_timeout, milliseconds silence_max, bool eager) {
    constexpr milliseconds interval_min{100};
    if (eager) return eager_interval;
    milliseconds interval = feedback_interval_max;
    for (milliseconds limit : {sender_timeout, silence_max})
        if (limit > milliseconds::zero()) interval = std::min(interval, limit / 3);
    return std::max(interval, interval_min);
}

} // namespace

StreamReceiver::StreamReceiver(ReplicationStream &stream, FrameQueue &queue, Lsn durable,
                               milliseconds sender_timeout, bool eager)
    : stream_(stream), queue_(queue), silence_max_(stream.connection().silence_max()),
      interval_(feedback_interval(sender_timeout, silence_max_, eager)), eager_(eager),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), durable_(durable.value),
      thread_([this](std::stop_token stop) { run(stop); }) {}

StreamReceiver::~StreamReceiver() {
    thread_.request_stop();
    acknowledge({durable_.load()});
    thread_.join();
    close(wake_fd_);
}

void StreamReceiver::acknowledge(Lsn lsn) {
    durable_.store(lsn.value);
    uint64_t one = 1;
    [[maybe_unused]] auto written = write(wake_fd_, &one, sizeof one);
}

void StreamReceiver::run(std::stop_token stop) {
    try {
        feed_back();
        while (!stop.stop_requested()) {
            receive_all(stop);
            look_after_silence();
            feed_back_if_due();
            if (!stop.stop_requested()) stream_.wait(wake_fd_, interval_);
        }
        feed_back();
        stream_.finish();
    } catch (...) {
        queue_.close(std::current_exception());
    }
}

void StreamReceiver::receive_all(std::stop_token stop) {
    while (!stop.stop_requested()) {
        auto delivery = stream_.receive();
        if (!delivery) return;
        hear();
        bool reply = delivery->reply_requested;
        deliver(std::move(*delivery), stop);
        hear(); // behind the wait for room, in which nobody listened
        if (reply)
            feed_back();
        else
            feed_back_if_due();
    }
}

void StreamReceiver::deliver(Delivery delivery, std::stop_token stop) {
    received_ = std::max(received_, delivery.position);
    while (!queue_.push(delivery, queue_patience)) {
        if (stop.stop_requested()) return;
        feed_back_if_due();
    }
    fault_point("frame_received");
}

void StreamReceiver::feed_back_if_due() {
    bool news = durable_.load() > acknowledged_.value;
    if (news || Clock::now() - sent_at_ >= interval_) feed_back();
}

void StreamReceiver::feed_back() {
    Lsn durable{durable_.load()};
    bool news = durable > acknowledged_;
    // A source that has nothing to send says nothing, nor does one that is gone: this tells them apart.
    bool asks = silence() >= interval_;
    if (news) fault_point("feedback_due");
    stream_.send_feedback(received_, durable, eager_ || asks);
    acknowledged_ = durable;
    sent_at_ = Clock::now();
    if (news) fault_point("feedback_sent");
}

// It has been asked, at least once. A walsender that decodes a huge transaction may be too busy to answer.
void StreamReceiver::look_after_silence() {
    if (silence_max_ == milliseconds::zero() || silence() < silence_max_) return;
    stream_.connection().require_peer();
    hear();
}

} // namespace waltrail

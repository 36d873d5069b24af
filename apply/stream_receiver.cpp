#include "apply/stream_receiver.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds feedback_interval_max{10'000};
constexpr milliseconds eager_interval{50};
constexpr milliseconds queue_patience{100};

milliseconds feedback_interval(milliseconds sender_timeout, bool eager) {
    if (eager) return eager_interval;
    if (sender_timeout == milliseconds::zero()) return feedback_interval_max;
    return std::clamp(sender_timeout / 3, milliseconds{100}, feedback_interval_max);
}

} // namespace

StreamReceiver::StreamReceiver(ReplicationStream &stream, FrameQueue &queue, Lsn durable,
                               milliseconds sender_timeout, bool eager)
    : stream_(stream), queue_(queue), interval_(feedback_interval(sender_timeout, eager)),
      eager_(eager), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), durable_(durable.value),
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
        heard_at_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
        bool reply = delivery->reply_requested;
        deliver(std::move(*delivery), stop);
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
}

void StreamReceiver::feed_back_if_due() {
    bool news = durable_.load() > acknowledged_.value;
    if (news || Clock::now() - sent_at_ >= interval_) feed_back();
}

void StreamReceiver::feed_back() {
    Lsn durable{durable_.load()};
    // A source that has nothing to send says nothing, nor does one that is gone: this tells them apart.
    bool is_silent = Clock::now() - heard_at() >= interval_;
    stream_.send_feedback(received_, durable, eager_ || is_silent);
    acknowledged_ = durable;
    sent_at_ = Clock::now();
}

} // namespace waltrail

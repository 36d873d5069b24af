#include "apply/frame_queue.hpp"

namespace waltrail {

bool FrameQueue::push(Delivery &delivery, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    size_t size = delivery.frame.size();
    auto has_room = [&] { return bytes_ == 0 || bytes_ + size <= bytes_max_; };
    if (!changed_.wait_for(lock, patience, has_room)) return false;
    // Of several keepalives in a row only the newest says anything.
    bool replaces =
        delivery.frame.empty() && !deliveries_.empty() && deliveries_.back().frame.empty();
    if (replaces) {
        deliveries_.back().position = delivery.position;
        deliveries_.back().reply_requested |= delivery.reply_requested;
    } else {
        deliveries_.push_back(std::move(delivery));
    }
    bytes_ += size;
    changed_.notify_all();
    return true;
}

std::optional<Delivery> FrameQueue::pop(std::chrono::milliseconds patience, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, patience,
                      [&] { return !deliveries_.empty() || failure_ != nullptr || woken_; });
    woken_ = false;
    if (stop.stop_requested()) return std::nullopt;
    if (deliveries_.empty()) {
        if (failure_ != nullptr) std::rethrow_exception(failure_);
        return std::nullopt;
    }
    Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    bytes_ -= delivery.frame.size();
    changed_.notify_all();
    return delivery;
}

void FrameQueue::close(std::exception_ptr failure) {
    std::unique_lock lock(mutex_);
    failure_ = std::move(failure);
    changed_.notify_all();
}

void FrameQueue::wake() {
    std::unique_lock lock(mutex_);
    woken_ = true;
    changed_.notify_all();
}

bool FrameQueue::empty() const {
    std::unique_lock lock(mutex_);
    return deliveries_.empty();
}

size_t FrameQueue::bytes() const {
    std::unique_lock lock(mutex_);
    return bytes_;
}

} // namespace waltrail

// What the reader has received and the writer has not yet taken, bounded in bytes. One producer, one consumer.
//
// When the queue is full the producer waits, but not for ever: push() gives up after `patience`, so that the reader can
// answer the server meanwhile and try again.
#pragma once

#include "apply/lsn.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>

#include <libpq-fe.h>

namespace waltrail {

// A message as libpq allocated it.
using MessageBytes = std::unique_ptr<char, decltype(&PQfreemem)>;

// One thing received: a frame, or (without bytes) a keepalive that says everything before `position` has been sent.
struct Delivery {
    MessageBytes message{nullptr, PQfreemem};
    std::string_view frame{}; // inside message; empty for a keepalive
    Lsn position{};
    bool reply_requested = false; // the server waits for an answer, as it does before it shuts down
};

class FrameQueue {
  public:
    explicit FrameQueue(size_t bytes_max) : bytes_max_(bytes_max) {}

    // Moves from `delivery` and answers true; or leaves it alone and answers false when there was no room in time. A single
    // delivery larger than the bound is taken when the queue is empty.
    bool push(Delivery &delivery, std::chrono::milliseconds patience);

    // The next delivery; nullopt when none came in time, wake() was called, or the stop was requested. Rethrows what close() was given, after
    // everything delivered before it has been taken.
    std::optional<Delivery> pop(std::chrono::milliseconds patience, std::stop_token stop);

    // No more deliveries will come, because of `failure`.
    void close(std::exception_ptr failure);

    // There is something else to look at: ends the pop() under way, or the next one that would wait.
    void wake();

    [[nodiscard]] bool empty() const;
    [[nodiscard]] size_t bytes() const;

  private:
    size_t bytes_max_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Delivery> deliveries_;
    size_t bytes_ = 0;
    std::exception_ptr failure_;
    bool woken_ = false;
};

} // namespace waltrail

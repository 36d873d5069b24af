// The queue between reader and writer: bounded, in order, and it ends with the reader's failure after what came before it.
#include "apply/frame_queue.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace waltrail {
namespace {

using std::chrono::milliseconds;

Delivery frame_of(size_t bytes, char fill = 'x') {
    Delivery delivery;
    auto *memory = static_cast<char *>(std::malloc(bytes)); // what PQfreemem frees
    std::memset(memory, fill, bytes);
    delivery.message.reset(memory);
    delivery.frame = {memory, bytes};
    return delivery;
}

Delivery keepalive_at(uint64_t position) {
    Delivery delivery;
    delivery.position = {position};
    return delivery;
}

TEST(FrameQueue, keeps_order) {
    FrameQueue queue(1000);
    for (char fill : {'a', 'b', 'c'}) {
        Delivery delivery = frame_of(10, fill);
        ASSERT_TRUE(queue.push(delivery, milliseconds(0)));
    }
    for (char fill : {'a', 'b', 'c'}) EXPECT_EQ(queue.pop(milliseconds(0), {})->frame[0], fill);
    EXPECT_TRUE(queue.empty());
    EXPECT_FALSE(queue.pop(milliseconds(0), {}));
}

TEST(FrameQueue, keepalive_that_replaces_one_keeps_its_request_for_a_reply) {
    FrameQueue queue(1000);
    for (bool requested : {true, false}) {
        Delivery delivery = keepalive_at(requested ? 10 : 20);
        delivery.reply_requested = requested;
        ASSERT_TRUE(queue.push(delivery, milliseconds(0)));
    }
    auto delivery = queue.pop(milliseconds(0), {});
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->position.value, 20u);
    EXPECT_TRUE(delivery->reply_requested);
}

TEST(FrameQueue, wake_ends_the_next_wait_and_takes_nothing) {
    FrameQueue queue(1000);
    queue.wake();
    auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(queue.pop(milliseconds(5000), {}));
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2500));
    Delivery delivery = frame_of(10);
    ASSERT_TRUE(queue.push(delivery, milliseconds(0)));
    queue.wake();
    EXPECT_TRUE(queue.pop(milliseconds(0), {}));
}

TEST(FrameQueue, refuses_beyond_its_bound_and_leaves_the_delivery_alone) {
    FrameQueue queue(100);
    Delivery first = frame_of(60), second = frame_of(60);
    ASSERT_TRUE(queue.push(first, milliseconds(0)));
    ASSERT_FALSE(queue.push(second, milliseconds(1)));
    EXPECT_EQ(second.frame.size(), 60u);
    ASSERT_TRUE(queue.pop(milliseconds(0), {}));
    EXPECT_TRUE(queue.push(second, milliseconds(0)));
}

TEST(FrameQueue, takes_a_frame_larger_than_its_bound_when_empty) {
    FrameQueue queue(100);
    Delivery large = frame_of(1000), next = frame_of(1);
    EXPECT_TRUE(queue.push(large, milliseconds(0)));
    EXPECT_FALSE(queue.push(next, milliseconds(1)));
}

TEST(FrameQueue, joins_keepalives_that_follow_each_other_but_not_across_frames) {
    FrameQueue queue(100);
    for (uint64_t position : {1, 2, 3}) {
        Delivery delivery = keepalive_at(position);
        ASSERT_TRUE(queue.push(delivery, milliseconds(0)));
    }
    Delivery frame = frame_of(1), last = keepalive_at(4);
    ASSERT_TRUE(queue.push(frame, milliseconds(0)));
    ASSERT_TRUE(queue.push(last, milliseconds(0)));
    EXPECT_EQ(queue.pop(milliseconds(0), {})->position.value, 3u);
    EXPECT_EQ(queue.pop(milliseconds(0), {})->frame.size(), 1u);
    EXPECT_EQ(queue.pop(milliseconds(0), {})->position.value, 4u);
    EXPECT_FALSE(queue.pop(milliseconds(0), {}));
}

TEST(FrameQueue, failure_comes_after_everything_delivered_before_it) {
    FrameQueue queue(100);
    Delivery delivery = frame_of(1);
    ASSERT_TRUE(queue.push(delivery, milliseconds(0)));
    queue.close(std::make_exception_ptr(std::runtime_error("the stream ended")));
    EXPECT_TRUE(queue.pop(milliseconds(0), {}));
    EXPECT_THROW(queue.pop(milliseconds(0), {}), std::runtime_error);
}

TEST(FrameQueue, stop_ends_a_waiting_pop_at_once) {
    FrameQueue queue(100);
    std::stop_source stop;
    std::jthread stopper([&] {
        std::this_thread::sleep_for(milliseconds(20));
        stop.request_stop();
    });
    auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(queue.pop(milliseconds(60'000), stop.get_token()));
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(30'000));
}

} // namespace
} // namespace waltrail

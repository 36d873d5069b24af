// The queue between renderer and writers: batches in order, each recorded only after those before it, and a failure that takes
// nothing with it that stood before.
#include "apply/batch_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace waltrail {
namespace {

using std::chrono::milliseconds;

RowPiece piece_of(std::string_view rows) {
    RowPiece piece;
    piece.rows->append(rows);
    return piece;
}

Backlog backlog;

void fill(BatchQueue &queue, uint64_t to, std::string_view rows = "row") {
    Batch &batch = queue.open();
    batch.to = {to};
    ASSERT_TRUE(queue.push(piece_of(rows), {}));
}

// Takes a whole batch; answers the rows.
std::string drain(BatchQueue &queue, BatchQueue::Entry &entry) {
    std::string rows;
    while (auto piece = queue.next_piece(entry)) rows += piece->rows->view();
    return rows;
}

TEST(BatchQueue, rows_come_in_order_and_progress_with_them) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    fill(queue, 10, "a");
    fill(queue, 20, "b");
    queue.end();
    BatchQueue::Entry *entry = queue.take();
    EXPECT_EQ(drain(queue, *entry), "ab");
    EXPECT_EQ(queue.recorded().end.value, 1u);
    ASSERT_TRUE(queue.wait_turn(*entry));
    EXPECT_FALSE(queue.is_idle());
    queue.finish(*entry, 2, 0);
    EXPECT_EQ(queue.recorded().end.value, 20u);
    EXPECT_TRUE(queue.is_idle());
}

TEST(BatchQueue, a_sealed_batch_goes_on_until_a_writer_has_closed_it) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    fill(queue, 10, "a");
    queue.seal();
    BatchQueue::Entry *entry = queue.take();
    ASSERT_EQ(queue.next_piece(*entry)->rows->view(), "a");
    fill(queue, 20, "b"); // goes on with it
    queue.seal();
    EXPECT_EQ(drain(queue, *entry), "b");
    EXPECT_EQ(entry->batch().to.value, 20u);
    fill(queue, 30, "c"); // another one
    queue.seal();
    BatchQueue::Entry *next = queue.take();
    ASSERT_NE(next, entry);
    EXPECT_EQ(drain(queue, *next), "c");
    EXPECT_EQ(entry->batch().to.value, 20u);
}

TEST(BatchQueue, an_ended_batch_does_not_go_on) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    fill(queue, 10, "a");
    queue.end();
    fill(queue, 20, "b");
    queue.end();
    EXPECT_EQ(drain(queue, *queue.take()), "a");
    EXPECT_EQ(drain(queue, *queue.take()), "b");
}

TEST(BatchQueue, an_open_batch_is_taken_with_its_first_piece_and_ends_when_sealed) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    fill(queue, 10, "a");
    BatchQueue::Entry *entry = queue.take();
    ASSERT_TRUE(queue.next_piece(*entry));
    std::atomic<bool> is_closed = false;
    std::jthread writer([&] {
        EXPECT_FALSE(queue.next_piece(*entry));
        is_closed = true;
    });
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_FALSE(is_closed);
    queue.seal();
    writer.join();
    EXPECT_TRUE(entry->is_closed());
}

TEST(BatchQueue, a_batch_waits_for_the_one_before_it) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    for (uint64_t to : {10, 20}) {
        fill(queue, to);
        queue.end();
    }
    BatchQueue::Entry *first = queue.take();
    BatchQueue::Entry *second = queue.take();
    drain(queue, *first);
    drain(queue, *second);
    std::atomic<bool> has_turn = false;
    std::jthread writer([&] {
        EXPECT_TRUE(queue.wait_turn(*second));
        has_turn = true;
        queue.finish(*second, 1, 0);
    });
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_FALSE(has_turn);
    queue.finish(*first, 1, 0);
    EXPECT_TRUE(queue.wait_idle(milliseconds(1000)));
    writer.join();
    EXPECT_EQ(queue.recorded().end.value, 20u);
    EXPECT_EQ(queue.recorded().changes, 2u);
}

TEST(BatchQueue, a_failure_waits_for_the_batches_before_it_and_ends_those_behind_it) {
    std::atomic<int> wakes = 0;
    BatchQueue queue({1}, 1000, backlog, [&] { wakes++; });
    for (uint64_t to : {10, 20, 30}) {
        fill(queue, to);
        queue.end();
    }
    BatchQueue::Entry *first = queue.take();
    BatchQueue::Entry *second = queue.take();
    BatchQueue::Entry *third = queue.take();
    for (auto *entry : {first, second, third}) drain(queue, *entry);
    std::jthread failing(
        [&] { queue.fail(*second, std::make_exception_ptr(std::runtime_error("second"))); });
    std::jthread behind([&] { EXPECT_FALSE(queue.wait_turn(*third)); });
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_NO_THROW(queue.rethrow_failure());
    queue.finish(*first, 1, 0);
    failing.join();
    behind.join();
    EXPECT_EQ(queue.recorded().end.value, 10u);
    EXPECT_EQ(wakes, 2);
    EXPECT_THROW(queue.rethrow_failure(), std::runtime_error);
    EXPECT_THROW(queue.push(piece_of("x"), {}), std::runtime_error);
    EXPECT_EQ(queue.take(), nullptr);
}

TEST(BatchQueue, pieces_wait_for_room_and_a_large_one_is_taken_alone) {
    BatchQueue queue({1}, 100, backlog, [] {});
    fill(queue, 10, std::string(500, 'x'));
    std::stop_source stop;
    std::atomic<bool> pushed = false;
    std::jthread renderer([&] {
        EXPECT_TRUE(queue.push(piece_of("y"), stop.get_token()));
        pushed = true;
        EXPECT_TRUE(queue.push(piece_of(std::string(99, 'z')), stop.get_token()));
        EXPECT_FALSE(queue.push(piece_of("no room"), stop.get_token()));
    });
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_FALSE(pushed);
    BatchQueue::Entry *entry = queue.take();
    EXPECT_EQ(queue.next_piece(*entry)->rows->size, 500u);
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_TRUE(pushed);
    stop.request_stop();
}

TEST(BatchQueue, cancel_ends_every_wait) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    fill(queue, 10);
    BatchQueue::Entry *entry = queue.take();
    ASSERT_TRUE(queue.next_piece(*entry));
    std::jthread reading([&] { EXPECT_FALSE(queue.next_piece(*entry)); });
    std::jthread taking([&] { EXPECT_EQ(queue.take(), nullptr); });
    std::this_thread::sleep_for(milliseconds(20));
    queue.cancel();
    reading.join();
    EXPECT_FALSE(entry->is_closed()); // its rows are not whole: they must not be recorded
    EXPECT_FALSE(queue.wait_turn(*entry));
}

TEST(Batch, tells_which_change_a_row_is) {
    Batch batch;
    batch.transactions = {{{100}, 1, {}}, {{200}, 3, {0, 2}}, {{300}, 5, {}}};
    batch.rows = 5;
    auto expect = [&](uint64_t row, uint64_t commit, uint64_t ordinal) {
        EXPECT_EQ(batch.place_of(row), (ChangePlace{{commit}, ordinal})) << "row " << row;
    };
    expect(1, 100, 0);
    expect(2, 100, 1);
    expect(3, 200, 1);
    expect(4, 200, 3);
    expect(5, 300, 0);
}

TEST(BatchQueue, large_batch_is_a_backlog_until_it_is_recorded) {
    Backlog noted;
    BatchQueue queue({1}, 80, noted, [] {});
    queue.open();
    ASSERT_TRUE(queue.push(piece_of("012345678"), {}));
    EXPECT_FALSE(noted.is_there());
    ASSERT_TRUE(queue.push(piece_of("9"), {}));
    EXPECT_TRUE(noted.is_there());
    queue.seal();
    BatchQueue::Entry *entry = queue.take();
    while (queue.next_piece(*entry)) continue;
    ASSERT_TRUE(queue.wait_turn(*entry));
    std::this_thread::sleep_for(Backlog::lasting * 1.1);
    EXPECT_TRUE(noted.is_there());
    queue.finish(*entry, 1, 0);
    EXPECT_TRUE(noted.is_there()); // for a moment
    std::this_thread::sleep_for(Backlog::lasting * 1.1);
    EXPECT_FALSE(noted.is_there());
}

TEST(BatchQueue, backlog_ends_with_a_queue_that_is_given_up) {
    Backlog noted;
    {
        BatchQueue queue({1}, 8, noted, [] {});
        queue.open();
        ASSERT_TRUE(queue.push(piece_of("12345678"), {}));
    }
    std::this_thread::sleep_for(Backlog::lasting * 1.1);
    EXPECT_FALSE(noted.is_there());
}

// moved_at is compared by whether it has moved since `before`.
TEST(BatchQueue, load_tells_since_when_nothing_has_moved) {
    BatchQueue queue({1}, 1000, backlog, [] {});
    auto moves = [&](auto step) {
        auto before = std::chrono::steady_clock::now();
        step();
        return queue.load().moved_at >= before;
    };
    EXPECT_FALSE(queue.load().waits);
    EXPECT_TRUE(moves([&] { fill(queue, 10, "abc"); })) << "what comes begins to wait";
    EXPECT_TRUE(queue.load().waits);
    EXPECT_EQ(queue.load().bytes, 3u);
    EXPECT_FALSE(moves([&] { fill(queue, 10, "d"); })) << "more of it does not";
    BatchQueue::Entry *entry = nullptr;
    EXPECT_FALSE(moves([&] {
        entry = queue.take();
        queue.next_piece(*entry);
    })) << "a writer that has just begun has written nothing";
    EXPECT_TRUE(moves([&] { queue.next_piece(*entry); })) << "the piece before is written";
    EXPECT_FALSE(queue.load().waits) << "it is the renderer's turn";
    EXPECT_TRUE(moves([&] { queue.seal(); }));
    EXPECT_TRUE(queue.load().waits);
    EXPECT_TRUE(moves([&] { drain(queue, *entry); })) << "the last piece is written";
    EXPECT_FALSE(moves([&] { fill(queue, 20); })) << "another batch does not move the first";
    EXPECT_EQ(queue.load().batches, 2u);
    EXPECT_TRUE(moves([&] {
        ASSERT_TRUE(queue.wait_turn(*entry));
        queue.finish(*entry, 1, 0);
    }));
    EXPECT_EQ(queue.load().batches, 1u);
}

} // namespace
} // namespace waltrail

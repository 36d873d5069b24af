#include "apply/batch_queue.hpp"

#include <algorithm>

namespace waltrail {

namespace {

// A batch of this part of what may wait was not made while all was quiet: it grew while the writers were busy, or holds a large
// transaction.
constexpr size_t much_part = 8;

} // namespace

BatchQueue::BatchQueue(Lsn recorded_end, size_t bytes_max, Backlog &backlog,
                       std::function<void()> on_recorded)
    : bytes_max_(bytes_max), backlog_(backlog),
      on_recorded_(std::move(on_recorded)), recorded_{recorded_end,
                                                      std::chrono::steady_clock::now(),
                                                      std::nullopt} {}

Batch &BatchQueue::open() {
    std::unique_lock lock(mutex_);
    if (opened_ != nullptr) return opened_->batch_;
    note_arrival();
    bool goes_on = !entries_.empty() && !entries_.back()->ended_ && !entries_.back()->closed_;
    if (!goes_on) entries_.push_back(std::make_unique<Entry>());
    opened_ = entries_.back().get();
    opened_->sealed_ = false;
    return opened_->batch_;
}

bool BatchQueue::push(RowPiece piece, const std::stop_token &stop) {
    std::unique_lock lock(mutex_);
    note_arrival();
    size_t size = piece.rows->size;
    auto has_room = [&] { return bytes_ == 0 || bytes_ + size <= bytes_max_; };
    changed_.wait(lock, stop, [&] { return is_over() || has_room(); });
    if (failure_ != nullptr) std::rethrow_exception(failure_);
    if (cancelled_ || !has_room()) return false;
    bytes_ += size;
    opened_->bytes_ += size;
    if (opened_->bytes_ >= bytes_max_ / much_part && !opened_->burden_)
        opened_->burden_.emplace(backlog_);
    opened_->pieces_.push_back(std::move(piece));
    changed_.notify_all();
    return true;
}

void BatchQueue::seal() {
    std::unique_lock lock(mutex_);
    if (opened_ == nullptr) return;
    note_arrival();
    opened_->sealed_ = true;
    opened_ = nullptr;
    changed_.notify_all();
}

void BatchQueue::end() {
    std::unique_lock lock(mutex_);
    if (opened_ == nullptr) return;
    note_arrival();
    opened_->sealed_ = opened_->ended_ = true;
    opened_ = nullptr;
    changed_.notify_all();
}

bool BatchQueue::is_idle() const {
    std::unique_lock lock(mutex_);
    return entries_.empty();
}

bool BatchQueue::wait_idle(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return is_over() || entries_.empty(); });
    if (failure_ != nullptr) std::rethrow_exception(failure_);
    return entries_.empty();
}

Recorded BatchQueue::recorded() const {
    std::unique_lock lock(mutex_);
    return recorded_;
}

bool BatchQueue::waits() const {
    bool is_drained = entries_.size() == 1 && opened_ != nullptr && bytes_ == 0;
    return !entries_.empty() && !is_drained;
}

// What comes while nothing waits begins to wait now.
void BatchQueue::note_arrival() {
    if (!waits()) moved_at_ = std::chrono::steady_clock::now();
}

BatchLoad BatchQueue::load() const {
    std::unique_lock lock(mutex_);
    return {bytes_, entries_.size(), waits(), moved_at_};
}

void BatchQueue::rethrow_failure() const {
    std::unique_lock lock(mutex_);
    if (failure_ != nullptr) std::rethrow_exception(failure_);
}

BatchQueue::Entry *BatchQueue::take() {
    std::unique_lock lock(mutex_);
    Entry *next = nullptr;
    auto find_next = [&] {
        auto found = std::ranges::find_if(entries_, [](auto &entry) { return !entry->taken_; });
        bool ready = found != entries_.end() && ((*found)->sealed_ || !(*found)->pieces_.empty());
        next = ready ? found->get() : nullptr;
        return ready;
    };
    changed_.wait(lock, [&] { return is_over() || find_next(); });
    if (is_over()) return nullptr;
    next->taken_ = true;
    return next;
}

std::optional<RowPiece> BatchQueue::next_piece(Entry &entry) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_over() || entry.sealed_ || !entry.pieces_.empty(); });
    if (is_over()) return std::nullopt;
    // Who comes for the first piece has not written anything yet.
    if (entry.begun_) moved_at_ = std::chrono::steady_clock::now();
    entry.begun_ = true;
    if (entry.pieces_.empty()) {
        entry.closed_ = true;
        return std::nullopt;
    }
    RowPiece piece = std::move(entry.pieces_.front());
    entry.pieces_.pop_front();
    bytes_ -= piece.rows->size;
    changed_.notify_all();
    return piece;
}

bool BatchQueue::wait_turn(Entry &entry) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_over() || entries_.front().get() == &entry; });
    return !is_over();
}

void BatchQueue::finish(Entry &entry, uint64_t changes, uint64_t quarantined) {
    {
        std::unique_lock lock(mutex_);
        const Batch &batch = entry.batch_;
        recorded_.end = batch.to;
        recorded_.at = moved_at_ = std::chrono::steady_clock::now();
        recorded_.source_time = batch.source_time;
        recorded_.changes += changes;
        recorded_.quarantined += quarantined;
        entries_.pop_front();
        changed_.notify_all();
    }
    on_recorded_();
}

void BatchQueue::fail(Entry &entry, std::exception_ptr failure) {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_over() || entries_.front().get() == &entry; });
        if (is_over()) return;
        failure_ = std::move(failure);
        changed_.notify_all();
    }
    on_recorded_();
}

void BatchQueue::cancel() {
    std::unique_lock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
}

} // namespace waltrail

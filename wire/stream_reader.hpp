// Follows a stream of frames: joins fragments, keeps the relations described so far and the transaction under way, checks
// what each commit says it sent, and yields begins, changes and commits in order. Part of the program only.
#pragma once

#include "wire/encoder.hpp"
#include "wire/frame.hpp"
#include "wire/records.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace waltrail::wire {

class StreamReader {
  public:
    enum class Event { need_frame, begin, change, commit, corrupt };

    // A record is joined whole before it is parsed: one that is longer than the limit is corrupt, and is_too_long().
    explicit StreamReader(size_t joined_bytes_max = size_t{4} << 30)
        : joined_bytes_max_(joined_bytes_max) {}
    ~StreamReader();
    StreamReader(const StreamReader &) = delete;
    StreamReader &operator=(const StreamReader &) = delete;

    // Takes the next frame; its payload must stay valid until next() has answered need_frame or corrupt.
    void load(const FrameHeader &header, std::string_view payload);

    // The next event. Everything below is valid until the next call. After `corrupt` the reader must be reset.
    Event next();

    const Source &source() const { return source_; }
    const Transaction &transaction() const { return transaction_; }
    const Change &change() const { return change_; }
    // Differs for every description received, so a user can tell a relation that it has not met yet.
    uint64_t description_id() const { return description_id_; }
    const std::string &context() const { return context_; }
    Timestamp decoded_at() const { return decoded_at_; }
    bool in_transaction() const { return in_transaction_; }
    // For corrupt: what contradicts the format.
    const std::string &problem() const { return problem_; }
    // The corruption is none: the stream holds a record that is longer than the reader's limit.
    bool is_too_long() const { return too_long_; }

    // Forgets the transaction under way, after a lost frame; the relations stay.
    void abandon_transaction();
    // Forgets everything, for a new connection.
    void reset();

    // The change just yielded as a self-contained frame (or frames, when it is long), readable by another StreamReader.
    void write_self_contained(FrameSink sink) const;

  private:
    struct KnownRelation {
        Arena arena;
        Relation relation;
        uint64_t description_id = 0;
        std::vector<Value> before;
        std::vector<Value> after;
        ~KnownRelation() { arena.release(); }
    };

    Event read_record();
    Event read_change(RecordTag tag);
    Event describe();
    Event begin();
    Event commit();
    Event corrupt(std::string problem);

    Cursor cursor_{std::string_view{}};
    size_t joined_bytes_max_;
    std::string fragments_;
    bool joining_ = false;
    Timestamp decoded_at_{};

    bool has_session_ = false;
    std::string database_;
    Source source_{};
    std::unordered_map<uint32_t, std::unique_ptr<KnownRelation>> relations_;
    uint64_t descriptions_ = 0;

    bool in_transaction_ = false;
    Transaction transaction_{};
    std::string context_;
    Lsn previous_position_{};
    uint64_t next_sequence_ = 0;
    uint64_t changes_seen_ = 0;

    Change change_{};
    uint64_t description_id_ = 0;
    std::string problem_;
    bool too_long_ = false;
};

} // namespace waltrail::wire

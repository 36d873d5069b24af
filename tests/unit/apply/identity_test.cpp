// Each rule of identity, one deviation at a time from a state that is accepted.
#include "apply/error.hpp"
#include "apply/identity.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace waltrail {
namespace {

struct State {
    SourceSystem system;
    SlotState slot;
    Progress progress;

    State() {
        system = {.system_identifier = 7,
                  .timeline = 1,
                  .flushed = {1000},
                  .database = "shop",
                  .database_oid = 5};
        slot = {.exists = true, .plugin = "waltrail", .database = "shop", .confirmed = {400}};
        progress.label = "shop";
        progress.system_identifier = 7;
        progress.database_oid = 5;
        progress.timeline = 1;
        progress.recorded_end = {500};
        progress.last_commit = wire::Transaction{{9}, {450}, {500}, {77}};
    }
    void check() const { check_identity(system, slot, "s", progress); }
};

void expect_refusal(const std::function<void(State &)> &deviate, const std::string &words) {
    State state;
    deviate(state);
    try {
        state.check();
        FAIL() << "accepted, but should say: " << words;
    } catch (const Error &error) {
        EXPECT_EQ(error.disposition(), Disposition::stop);
        EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
}

TEST(Identity, accepts_what_agrees) { EXPECT_NO_THROW(State().check()); }

TEST(Identity, refuses_each_deviation) {
    expect_refusal([](State &s) { s.system.system_identifier = 8; },
                   "another database than the one recorded");
    expect_refusal([](State &s) { s.system.database_oid = 6; },
                   "another database than the one recorded");
    expect_refusal([](State &s) { s.slot = {}; }, "has no replication slot");
    expect_refusal([](State &s) { s.slot.plugin = "pgoutput"; }, "made with plugin \"pgoutput\"");
    expect_refusal([](State &s) { s.slot.database = "other"; }, "belongs to database \"other\"");
    expect_refusal([](State &s) { s.slot.wal_status = "lost"; }, "is invalidated");
    expect_refusal([](State &s) { s.system.flushed = {499}; },
                   "before 0/1F4 that the trail has already recorded");
    expect_refusal([](State &s) { s.slot.confirmed = {501}; },
                   "changes in between would be missing");
    expect_refusal([](State &s) { s.system.timeline = 2; }, "is on timeline 2");
}

TEST(Identity, follows_a_timeline_that_contains_the_recorded_end) {
    State state;
    state.system.timeline = 3;
    state.system.history = {{1, {500}}, {2, {700}}};
    EXPECT_NO_THROW(state.check());
    state.system.history = {{1, {499}}, {2, {700}}};
    EXPECT_THROW(state.check(), Error);
}

TEST(StartPoint, repeats_the_last_commit_while_the_slot_still_holds_it) {
    State state;
    for (uint64_t confirmed : {400, 450}) {
        state.slot.confirmed = {confirmed};
        StartPoint start = start_point(state.slot, state.progress);
        EXPECT_EQ(start.lsn.value, 450u);
        EXPECT_TRUE(start.repeats_last_commit);
    }
    state.slot.confirmed = {451};
    EXPECT_EQ(start_point(state.slot, state.progress).lsn.value, 500u);
    EXPECT_FALSE(start_point(state.slot, state.progress).repeats_last_commit);
    state.progress.last_commit.reset();
    state.slot.confirmed = {400};
    EXPECT_FALSE(start_point(state.slot, state.progress).repeats_last_commit);
}

TEST(RepeatedCommit, must_be_the_recorded_one) {
    State state;
    const wire::Transaction recorded = *state.progress.last_commit;
    EXPECT_NO_THROW(check_repeated_commit(recorded, state.progress));
    std::vector<wire::Transaction> others(4, recorded);
    others[0].xid.value++;
    others[1].commit_lsn.value++;
    others[2].end_lsn.value++;
    others[3].committed_at.microseconds++;
    for (const auto &other : others)
        EXPECT_THROW(check_repeated_commit(other, state.progress), Error);
}

} // namespace
} // namespace waltrail

#include "wire/change_id.hpp"

#include "tests/unit/frame_recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace waltrail::wire {
namespace {

constexpr int64_t epoch_us = int64_t{946'684'800} * 1'000'000;

std::string text_of(const Uuid &id) {
    std::string text(36, '\0');
    write_uuid_text(text.data(), id);
    return text;
}

Uuid id_at(int64_t committed_at, uint64_t sequence = 0) {
    Transaction transaction = test_transaction();
    transaction.committed_at = {committed_at};
    return change_id(test_source(), transaction, sequence);
}

uint64_t unix_ms(const Uuid &id) {
    uint64_t ms = 0;
    for (size_t i = 0; i < 6; i++) ms = ms << 8 | id[i];
    return ms;
}
uint64_t rand_a(const Uuid &id) { return static_cast<uint64_t>(id[6] & 0x0F) << 8 | id[7]; }

// Ids that are stored in trails: they must never change.
TEST(ChangeId, is_the_same_for_ever) {
    EXPECT_EQ(text_of(id_at(test_transaction().committed_at.microseconds)),
              "018fb263-407b-774b-adf1-675b64448b03");
    EXPECT_EQ(text_of(id_at(test_transaction().committed_at.microseconds, 1)),
              "018fb263-407b-774b-8cd6-9543f7eb9d78");
    EXPECT_EQ(text_of(change_id({}, {}, 0)), "00dc6acf-ac00-7000-8217-ce6a93fd3f16");
}

TEST(ChangeId, has_the_version_and_variant_of_uuid_7) {
    for (uint64_t sequence = 0; sequence < 10'000; sequence++) {
        Uuid id = id_at(static_cast<int64_t>(sequence * 997), sequence);
        ASSERT_EQ(id[6] >> 4, 7);
        ASSERT_EQ(id[8] >> 6, 2);
    }
}

TEST(ChangeId, holds_the_commit_time_to_the_microsecond) {
    for (int64_t second : {int64_t{0}, int64_t{770'000'000}, int64_t{-400'000'000}})
        for (int64_t us = 0; us < 1000; us++) {
            int64_t committed_at = second * 1'000'000 + 123'000 + us;
            Uuid id = id_at(committed_at);
            ASSERT_EQ(unix_ms(id), static_cast<uint64_t>((committed_at - us + epoch_us) / 1000));
            ASSERT_EQ((rand_a(id) * 1000 + 4095) / 4096, static_cast<uint64_t>(us)) << "rounded up";
        }
}

TEST(ChangeId, a_million_changes_of_one_transaction_have_ids_of_their_own) {
    std::vector<Uuid> ids;
    for (uint64_t sequence = 0; sequence < 1'000'000; sequence++)
        ids.push_back(change_id(test_source(), test_transaction(), sequence));
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST(ChangeId, later_commits_have_greater_ids) {
    for (int64_t at = 770'000'000'000'000; at < 770'000'000'005'000; at++)
        ASSERT_LT(id_at(at, 999), id_at(at + 1, 0));
}

TEST(ChangeId, depends_on_system_database_and_commit) {
    std::vector<Uuid> ids;
    for (uint64_t system : {1, 2})
        for (uint32_t database : {1, 2})
            for (uint64_t commit : {1, 2}) {
                Transaction transaction;
                transaction.commit_lsn = {commit};
                ids.push_back(change_id({system, database, "any", 150'000}, transaction, 0));
            }
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST(ChangeId, does_not_depend_on_names_versions_or_xids) {
    Transaction transaction = test_transaction(), other = transaction;
    other.xid = {1};
    other.end_lsn = {2};
    Source source = test_source(), renamed = source;
    renamed.database = "renamed";
    renamed.server_version = 180'000;
    EXPECT_EQ(change_id(source, transaction, 5), change_id(renamed, other, 5));
}

TEST(ChangeId, takes_any_commit_time) {
    for (int64_t time : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()})
        EXPECT_EQ(id_at(time)[6] >> 4, 7);
}

TEST(WriteUuidText, has_five_groups_of_lower_case_hex) {
    EXPECT_EQ(text_of({0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x00, 0xFF, 0x10, 0x20, 0x30,
                       0x40, 0x50, 0x60}),
              "01234567-89ab-cdef-00ff-102030405060");
}

} // namespace
} // namespace waltrail::wire

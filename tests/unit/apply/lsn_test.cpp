#include "apply/error.hpp"
#include "apply/lsn.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

TEST(Lsn, text_is_as_postgresql_writes_it) {
    EXPECT_EQ(lsn_text({0x16B374D848}), "16/B374D848");
    EXPECT_EQ(lsn_text({0x28}), "0/28");
    for (uint64_t value :
         {uint64_t{0}, uint64_t{1}, uint64_t{0xFFFFFFFF}, uint64_t{1} << 32, ~uint64_t{0}})
        EXPECT_EQ(parse_lsn(lsn_text({value}))->value, value);
}

TEST(Lsn, refuses_what_is_none) {
    for (auto text :
         {"", "0", "/", "0/", "/1", "g/1", "0/1 ", "100000000/0", "0/100000000", "-1/0"})
        EXPECT_FALSE(parse_lsn(text)) << text;
}

TEST(Disposition, follows_the_sqlstate) {
    EXPECT_EQ(disposition_of(""), Disposition::reconnect);
    EXPECT_EQ(disposition_of("57P01"), Disposition::reconnect);
    EXPECT_EQ(disposition_of("53100"), Disposition::reconnect);
    EXPECT_EQ(disposition_of("40P01"), Disposition::retry);
    EXPECT_EQ(disposition_of("22P05"), Disposition::row);
    EXPECT_EQ(disposition_of("23505"), Disposition::row);
    EXPECT_EQ(disposition_of("54000"), Disposition::row);
    EXPECT_EQ(disposition_of("42501"), Disposition::stop);
    EXPECT_EQ(disposition_of("42P01"), Disposition::stop);
}

} // namespace
} // namespace waltrail

#include "wire/capture_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waltrail::wire {
namespace {

class CaptureMessageTest : public testing::Test {
  protected:
    void SetUp() override {
        bytes_.allocator = fields_.allocator = process_allocator();
        append_actor(fields_, {"app", "", "postgres", "scram-sha-256:app", "::1", "x \"y\""});
        message_.has_actor = message_.has_context = true;
        message_.actor = fields_.view();
        message_.context = R"({"a": 1})";
    }
    void TearDown() override {
        bytes_.release();
        fields_.release();
    }

    std::string_view encode() {
        bytes_.clear();
        append_capture_message(bytes_, message_);
        return bytes_.view();
    }

    Buffer bytes_, fields_;
    CaptureMessage message_;
};

TEST_F(CaptureMessageTest, what_is_written_is_read) {
    CaptureMessage read;
    ASSERT_TRUE(parse_capture_message(encode(), read));
    EXPECT_TRUE(read.has_actor && read.has_context);
    EXPECT_EQ(read.context, message_.context);
    Actor actor;
    ASSERT_TRUE(parse_actor(read.actor, actor));
    EXPECT_EQ(actor.session_user, "app");
    EXPECT_EQ(actor.current_user, "");
    EXPECT_EQ(actor.authenticated_user, "postgres");
    EXPECT_EQ(actor.system_user, "scram-sha-256:app");
    EXPECT_EQ(actor.client_addr, "::1");
    EXPECT_EQ(actor.application_name, "x \"y\"");
}

TEST_F(CaptureMessageTest, each_part_may_be_missing) {
    CaptureMessage read;
    message_.has_actor = false;
    message_.context = {};
    ASSERT_TRUE(parse_capture_message(encode(), read));
    EXPECT_TRUE(!read.has_actor && read.has_context && read.context.empty());
    message_.has_actor = true;
    message_.has_context = false;
    ASSERT_TRUE(parse_capture_message(encode(), read));
    EXPECT_TRUE(read.has_actor && !read.has_context);
}

TEST_F(CaptureMessageTest, what_is_cut_or_has_more_is_none) {
    message_.has_context = false;
    std::string whole(encode());
    CaptureMessage read;
    for (size_t length = 0; length < whole.size(); length++)
        EXPECT_FALSE(parse_capture_message(std::string_view(whole).substr(0, length), read))
            << length;
    EXPECT_FALSE(parse_capture_message(whole + "x", read));
    for (char flags : {'\x00', '\x04', '\x83'}) {
        whole[0] = flags;
        EXPECT_FALSE(parse_capture_message(whole, read));
    }
    Actor actor;
    std::string fields(fields_.view());
    for (size_t length = 1; length < fields.size(); length++)
        EXPECT_FALSE(parse_actor(std::string_view(fields).substr(0, length), actor)) << length;
    EXPECT_FALSE(parse_actor(fields + "x", actor));
    EXPECT_TRUE(parse_actor("", actor));
}

TEST_F(CaptureMessageTest, an_actor_has_few_bytes_and_no_zero) {
    Actor actor;
    fields_.clear();
    append_actor(fields_, {std::string(actor_bytes_max - 7, 'a')});
    EXPECT_TRUE(parse_actor(fields_.view(), actor));
    fields_.clear();
    append_actor(fields_, {std::string(actor_bytes_max - 6, 'a')});
    EXPECT_FALSE(parse_actor(fields_.view(), actor));
    fields_.clear();
    append_actor(fields_, {std::string_view("a\0b", 3)});
    EXPECT_FALSE(parse_actor(fields_.view(), actor));
}

} // namespace
} // namespace waltrail::wire

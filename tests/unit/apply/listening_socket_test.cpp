#include "apply/listening_socket.hpp"

#include "apply/error.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

std::string parsed(std::string_view text) {
    auto address = parse_listen_address(text);
    return address ? address->host + " " + address->port : "no";
}

TEST(ListenAddress, is_an_address_and_a_port) {
    EXPECT_EQ(parsed("127.0.0.1:19187"), "127.0.0.1 19187");
    EXPECT_EQ(parsed("localhost:0"), "localhost 0");
    EXPECT_EQ(parsed("[::1]:9000"), "::1 9000");
    EXPECT_EQ(parsed("[::]:65535"), ":: 65535");
}

TEST(ListenAddress, is_nothing_else) {
    for (const char *text :
         {"", "9000", "127.0.0.1", ":9000", "[]:9000", "::1:9000", "host:", "host:x", "host:65536",
          "host:-1", "host:+1", "host:99999999999", "host: 1", "[::1]"})
        EXPECT_EQ(parsed(text), "no") << text;
}

TEST(ListenAddress, the_command_line_takes_off_too) {
    EXPECT_EQ(listen_problem(""), "");
    EXPECT_EQ(listen_problem("off"), "");
    EXPECT_EQ(listen_problem("[::1]:0"), "");
    EXPECT_NE(listen_problem("on").find("\"on\" is not ADDRESS:PORT"), std::string::npos);
}

TEST(ListeningSocket, tells_the_port_that_it_got) {
    ListeningSocket socket({"127.0.0.1", "0"});
    EXPECT_TRUE(socket.where().starts_with("127.0.0.1:")) << socket.where();
    EXPECT_FALSE(socket.where().ends_with(":0")) << socket.where();
}

TEST(ListeningSocket, says_what_is_wrong_with_an_address) {
    ListeningSocket taken({"127.0.0.1", "0"});
    std::string port = taken.where().substr(taken.where().rfind(':') + 1);
    auto problem_of = [](const ListenAddress &address) -> std::string {
        try {
            ListeningSocket socket(address);
        } catch (const Error &error) {
            return error.problem();
        }
        return "none";
    };
    EXPECT_EQ(problem_of({"127.0.0.1", port}),
              "could not listen on 127.0.0.1:" + port + ": Address already in use");
    EXPECT_EQ(problem_of({"203.0.113.1", "0"}),
              "could not listen on 203.0.113.1:0: Cannot assign requested address");
    EXPECT_TRUE(problem_of({"no.such.host.invalid", "1"})
                    .starts_with("could not listen on no.such.host.invalid:1: "));
}

} // namespace
} // namespace waltrail

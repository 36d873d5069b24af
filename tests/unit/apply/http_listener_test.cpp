// The listener with clients as they should be, and with those that it must bear.
#include "apply/http_listener.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace waltrail {
namespace {

using Clock = std::chrono::steady_clock;

// A TCP connection to the listener.
class Client {
  public:
    explicit Client(const HttpListener &listener)
        : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::string port = listener.where().substr(listener.where().rfind(':') + 1);
        address.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
        EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
        timeval patience{10, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    Client(Client &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    ~Client() {
        if (fd_ >= 0) close(fd_);
    }
    // False: the listener has closed it.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(sent));
        }
        return true;
    }
    // Until the listener closes it.
    std::string receive_all() {
        std::string all;
        char bytes[4096];
        ssize_t size;
        while ((size = recv(fd_, bytes, sizeof bytes, 0)) > 0)
            all.append(bytes, static_cast<size_t>(size));
        return all;
    }
    std::string ask(const std::string &request) {
        send(request);
        return receive_all();
    }

  private:
    int fd_;
};

std::string get(const std::string &path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

class HttpListenerTest : public testing::Test {
  protected:
    std::string ask(const std::string &request) { return Client(listener_).ask(request); }

    std::atomic<int> asked_{0};
    HttpListener listener_{{"127.0.0.1", "0"}, [this](const std::string &path) -> HttpAnswer {
                               asked_++;
                               if (path == "/throws")
                                   throw std::runtime_error("password=secret_word");
                               if (path == "/large") return {200, std::string(1 << 20, 'x')};
                               return {path == "/" ? 200u : 404u, path};
                           }};
};

TEST_F(HttpListenerTest, answers_with_status_type_and_body) {
    std::string answer = ask(get("/"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos)
        << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n/")) << answer;
    EXPECT_TRUE(ask(get("/other")).starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(ask(get("/large")).ends_with(std::string(1 << 20, 'x')));
}

TEST_F(HttpListenerTest, head_has_no_body_and_other_methods_are_refused) {
    std::string answer = ask("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
    EXPECT_TRUE(ask("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 405 "));
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\nx")
                    .starts_with("HTTP/1.1 405 "));
}

TEST_F(HttpListenerTest, what_the_handler_throws_is_not_told_to_the_client) {
    std::string answer = ask(get("/throws"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("secret_word"), std::string::npos) << answer;
}

TEST_F(HttpListenerTest, clients_that_say_nothing_hold_up_nobody_for_long) {
    std::vector<Client> silent;
    for (unsigned i = 0; i < HttpListener::connections_max + 100; i++)
        silent.emplace_back(listener_);
    auto started = Clock::now();
    EXPECT_TRUE(ask(get("/")).starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_LT(Clock::now() - started, HttpListener::client_patience + std::chrono::seconds(4));
    EXPECT_EQ(silent.front().receive_all(), ""); // it is closed by now, or soon
    EXPECT_LT(Clock::now() - started, 2 * HttpListener::client_patience + std::chrono::seconds(4));
}

TEST_F(HttpListenerTest, a_request_that_does_not_end_is_refused_at_the_limit) {
    for (const char *beginning :
         {"GET / HTTP/1.1\r\nX: ", "GET /", "GET / HTTP/1.1\r\nHost: localhost\r\n"}) {
        Client client(listener_);
        client.send(beginning);
        std::string more(1 << 16, 'y');
        size_t sent = 0;
        while (sent < (size_t{64} << 20) && client.send(more)) sent += more.size();
        EXPECT_LT(sent, size_t{64} << 20) << beginning; // it is not even taken
    }
    EXPECT_EQ(asked_, 0);
    EXPECT_TRUE(ask(get("/")).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpListenerTest, nonsense_is_no_request) {
    std::string zeros(1000, '\0');
    for (const std::string &nonsense :
         {zeros + "\r\n\r\n", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
          std::string("GET\r\n\r\n"), std::string("\r\n\r\n\r\n\r\n")})
        EXPECT_EQ(ask(nonsense).find("200 OK"), std::string::npos);
    EXPECT_TRUE(ask(get("/")).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpListenerTest, who_goes_away_in_the_middle_of_an_answer_does_no_harm) {
    for (int i = 0; i < 50; i++) Client(listener_).send(get("/large"));
    EXPECT_TRUE(ask(get("/")).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpListener, ends_at_once_while_clients_are_connected) {
    auto listener = std::make_unique<HttpListener>(
        ListenAddress{"127.0.0.1", "0"}, [](const std::string &) { return HttpAnswer{}; });
    std::vector<Client> clients;
    for (int i = 0; i < 20; i++) clients.emplace_back(*listener);
    clients.front().send("GET / HT");
    auto started = Clock::now();
    listener.reset();
    EXPECT_LT(Clock::now() - started, std::chrono::seconds(1));
}

TEST(HttpListener, listens_on_ipv6) {
    try {
        HttpListener listener({"::1", "0"}, [](const std::string &) { return HttpAnswer{}; });
        EXPECT_TRUE(listener.where().starts_with("[::1]:")) << listener.where();
    } catch (const std::exception &error) {
        GTEST_SKIP() << "no IPv6 here: " << error.what();
    }
}

} // namespace
} // namespace waltrail

// The address that an HTTP listener is told, and the socket that listens there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace waltrail {

// ADDRESS:PORT, with [ADDRESS]:PORT for IPv6. The address may be a name, the port 0 for any that is free.
struct ListenAddress {
    std::string host;
    std::string port;
};

// None: it is not of that form.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);
// Nothing listens: empty, or "off".
[[nodiscard]] bool is_off(std::string_view listen);
// For the command line: empty where it is well formed, or off.
[[nodiscard]] std::string listen_problem(const std::string &listen);

class ListeningSocket {
  public:
    // Throws Error(stop) where nothing can listen there.
    explicit ListeningSocket(const ListenAddress &address);
    ~ListeningSocket();
    ListeningSocket(const ListeningSocket &) = delete;
    ListeningSocket &operator=(const ListeningSocket &) = delete;

    // The address and the port that it got, as in a URL.
    [[nodiscard]] std::string where() const;
    // Who takes it closes it.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_ = -1;
};

} // namespace waltrail

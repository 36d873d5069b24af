// A small HTTP server: answers GET and HEAD by a function, in one thread of its own that serves all clients side by side. None of them
// can take more than the limits below: a client that is slow, silent or hostile costs other clients a moment, and apply nothing.
#pragma once

#include "apply/listening_socket.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

struct MHD_Daemon;

namespace waltrail {

struct HttpAnswer {
    unsigned status = 200;
    std::string body;
    const char *type = "text/plain; charset=utf-8";
};

class HttpListener {
  public:
    using Handler = std::function<HttpAnswer(const std::string &path)>;

    // Of one connection, whose request must fit; answers do not count.
    static constexpr size_t connection_bytes_max = size_t{8} << 10;
    // Further clients wait to be accepted.
    static constexpr unsigned connections_max = 256;
    // A client that sends or takes nothing for so long is dropped.
    static constexpr std::chrono::seconds client_patience{3};

    // Throws Error(stop). `handler` is called by the listener's thread, and should not wait for anything; what it throws is told as 500.
    HttpListener(const ListenAddress &address, Handler handler);
    ~HttpListener();
    HttpListener(const HttpListener &) = delete;
    HttpListener &operator=(const HttpListener &) = delete;

    // As in a URL, with the port that it got.
    [[nodiscard]] const std::string &where() const { return where_; }

  private:
    struct Stop {
        void operator()(MHD_Daemon *daemon) const;
    };

    Handler handler_;
    std::string where_;
    std::unique_ptr<MHD_Daemon, Stop> daemon_; // last: its thread uses everything above
};

} // namespace waltrail

#include "apply/listening_socket.hpp"

#include "apply/error.hpp"

#include <fmt/format.h>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace waltrail {

namespace {

constexpr int backlog_max = 128;

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

[[noreturn]] void fail(const ListenAddress &address, const std::string &problem,
                       const std::string &hint) {
    throw Error(Disposition::stop,
                fmt::format("could not listen on {}:{}: {}", address.host, address.port, problem),
                hint);
}

AddressList resolve(const ListenAddress &address) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo *found = nullptr;
    int code = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
    if (code != 0)
        fail(address, gai_strerror(code), "give an address of this machine with --listen");
    return {found, freeaddrinfo};
}

// -1, with errno: it cannot listen there.
int listen_at(const addrinfo &address) {
    int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, backlog_max) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
    return problem == std::errc() && end == text.data() + text.size() && port <= 65535;
}

} // namespace

bool is_off(std::string_view listen) { return listen.empty() || listen == "off"; }

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    std::string_view port = text.substr(colon + 1);
    bool is_bracketed = host.starts_with('[') && host.ends_with(']');
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    // Without brackets, where an IPv6 address ends and the port begins cannot be seen.
    bool is_readable = is_bracketed || host.find(':') == std::string_view::npos;
    if (host.empty() || !is_readable || !is_port(port)) return std::nullopt;
    return ListenAddress{std::string(host), std::string(port)};
}

std::string listen_problem(const std::string &listen) {
    if (is_off(listen) || parse_listen_address(listen)) return "";
    return fmt::format("\"{}\" is not ADDRESS:PORT, as 127.0.0.1:9000, [::1]:9000 or 0.0.0.0:9000, "
                       "nor off",
                       listen);
}

ListeningSocket::ListeningSocket(const ListenAddress &address) {
    AddressList addresses = resolve(address);
    for (auto *one = addresses.get(); one != nullptr && fd_ < 0; one = one->ai_next)
        fd_ = listen_at(*one);
    if (fd_ < 0)
        fail(address, std::strerror(errno),
             "give another address or port with --listen, or --listen off");
}

ListeningSocket::~ListeningSocket() {
    if (fd_ >= 0) close(fd_);
}

std::string ListeningSocket::where() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    auto *any = reinterpret_cast<sockaddr *>(&address);
    if (getsockname(fd_, any, &size) == 0)
        getnameinfo(any, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                                         : fmt::format("{}:{}", host, port);
}

} // namespace waltrail

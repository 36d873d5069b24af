#include "apply/http_listener.hpp"

#include "apply/error.hpp"

#include <fmt/format.h>
#include <microhttpd.h>
#include <spdlog/spdlog.h>

#include <cstdarg>
#include <cstdio>
#include <exception>
#include <string_view>

namespace waltrail {

namespace {

// What the library says of its clients is of interest to who looks for a fault in one of them.
void log_message(void *, const char *format, va_list arguments) {
    char message[512];
    if (std::vsnprintf(message, sizeof message, format, arguments) > 0)
        spdlog::debug("HTTP: {}", one_line(message));
}

MHD_Result queue_answer(MHD_Connection *connection, const HttpAnswer &answer) {
    // The library copies the body, and asks for a pointer that it does not write through.
    MHD_Response *response = MHD_create_response_from_buffer(
        answer.body.size(), const_cast<char *>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    // A scrape comes every some seconds: a connection that waits for it would only be in the way.
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    MHD_Result result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return result;
}

HttpAnswer answer_to(const HttpListener::Handler &handler, const char *path,
                     std::string_view method) {
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
        return {405, "only GET and HEAD are answered here\n"};
    try {
        return handler(path);
    } catch (const std::exception &error) {
        spdlog::warn("could not answer an HTTP request: {}", error.what());
        return {500, "could not answer\n"};
    }
}

// Nothing may be thrown into the library.
MHD_Result serve(void *handler, MHD_Connection *connection, const char *path, const char *method,
                 const char *, const char *, size_t *, void **) noexcept {
    return queue_answer(connection,
                        answer_to(*static_cast<HttpListener::Handler *>(handler), path, method));
}

} // namespace

void HttpListener::Stop::operator()(MHD_Daemon *daemon) const { MHD_stop_daemon(daemon); }

HttpListener::HttpListener(const ListenAddress &address, Handler handler)
    : handler_(std::move(handler)) {
    ListeningSocket socket(address);
    where_ = socket.where();
    daemon_.reset(MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, nullptr, nullptr, serve,
        &handler_, MHD_OPTION_EXTERNAL_LOGGER, log_message, nullptr, MHD_OPTION_LISTEN_SOCKET,
        socket.get(), MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_bytes_max,
        MHD_OPTION_CONNECTION_LIMIT, connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        static_cast<unsigned>(client_patience.count()), MHD_OPTION_END));
    if (!daemon_)
        throw Error(Disposition::stop, fmt::format("could not serve HTTP on {}", where_),
                    "look at the limits of the process, or set --listen off");
    static_cast<void>(socket.release()); // the daemon closes it
}

HttpListener::~HttpListener() = default;

} // namespace waltrail

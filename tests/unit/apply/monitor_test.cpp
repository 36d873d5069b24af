// Where apply listens, as settings come and go.
#include "apply/listening_socket.hpp"
#include "apply/monitor.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace waltrail {
namespace {

TEST(Monitor, ListensAtTheNextReloadWhereTheAddressWasTakenAtFirst) {
    ApplySettings settings;
    auto taken = std::make_unique<HttpListener>(*parse_listen_address("127.0.0.1:0"),
                                                [](const std::string &) { return HttpAnswer{}; });
    settings.listen = taken->where();
    Monitor monitor(settings); // not asked for: it does without
    monitor.take(settings);
    auto bind = [address = *parse_listen_address(taken->where())] {
        HttpListener(address, [](const std::string &) { return HttpAnswer{}; });
    };
    taken.reset();
    EXPECT_NO_THROW(bind());
    monitor.take(settings);
    EXPECT_THROW(bind(), Error); // it is the monitor's now
    settings.listen = "off";
    monitor.take(settings);
    EXPECT_NO_THROW(bind());
}

} // namespace
} // namespace waltrail

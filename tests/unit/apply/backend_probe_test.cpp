#include "apply/backend_probe.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

TEST(BackendProbe, AServerSaysWhyItRefusesAConnection) {
    EXPECT_EQ(sqlstate_of_refusal("connection to server at \"db1\" (10.0.0.1), port 5432 failed: "
                                  "FATAL:  53300: sorry, too many clients already\n"
                                  "LOCATION:  InitProcess, proc.c:361\n"),
              "53300");
    EXPECT_EQ(sqlstate_of_refusal("FATAL:  42501: permission denied for database \"shop\"\n"),
              "42501");
}

TEST(BackendProbe, WhatNoServerSaidHasNoSqlstate) {
    EXPECT_EQ(sqlstate_of_refusal("connection to server at \"db1\" (10.0.0.1), port 5432 failed: "
                                  "Connection refused\n\tIs the server running on that host?\n"),
              "");
    EXPECT_EQ(sqlstate_of_refusal(""), "");
}

} // namespace
} // namespace waltrail

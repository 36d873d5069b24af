// What differs between PostgreSQL 15, 16, 17 and 18 for capture. No other file of capture/ asks for PG_VERSION_NUM.
#pragma once

extern "C" {
#include "postgres.h"

#include "miscadmin.h"
}

// 18 has no parameter `execute_once` any more.
#if PG_VERSION_NUM >= 180000
#define WALTRAIL_EXECUTE_ONCE_PARAMETER
#define WALTRAIL_EXECUTE_ONCE_ARGUMENT
#else
#define WALTRAIL_EXECUTE_ONCE_PARAMETER , bool execute_once
#define WALTRAIL_EXECUTE_ONCE_ARGUMENT , execute_once
#endif

namespace waltrail::compat {

// system_user, method:identity; null where the client was not authenticated. 15 does not have it.
#if PG_VERSION_NUM >= 160000
inline const char *system_user() { return GetSystemUser(); }
#else
inline const char *system_user() { return nullptr; }
#endif

} // namespace waltrail::compat

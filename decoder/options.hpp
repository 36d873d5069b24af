// What a client asks of the plugin: the options of START_REPLICATION or of pg_logical_slot_get_changes().
#pragma once

extern "C" {
#include "postgres.h"

#include "nodes/pg_list.h"
}

#include <span>

namespace waltrail {

enum class Format { binary, json };

struct Options {
    Format format = Format::binary;
    bool truncate = true; // whether TRUNCATE is sent
    // Lists of patterns that are well formed, in the server's encoding; null where the option was not given.
    const char *tables = nullptr;
    const char *exclude_tables = nullptr;
    const char *ignore_columns = nullptr;
    const char *exclude_columns = nullptr;
    const char *mask_columns = nullptr;
    std::span<const Oid> exclude_oids{};
};

// Reads a list of DefElem, in the current memory context, which must live as long as the options. An unknown option, one that is
// given twice, or a value that it does not take is an ERROR.
Options parse_options(List *given);

} // namespace waltrail

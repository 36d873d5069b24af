// What a client asks of the plugin: the options of START_REPLICATION or of pg_logical_slot_get_changes().
#pragma once

extern "C" {
#include "postgres.h"

#include "nodes/pg_list.h"
}

namespace waltrail {

enum class Format { binary, json };

struct Options {
    Format format = Format::binary;
    bool truncate = true; // whether TRUNCATE is sent
};

// Reads a list of DefElem. An unknown option or a value that it does not take is an ERROR.
Options parse_options(List *given);

} // namespace waltrail

// Logical messages that no role can write: the WAL record of a sealed message has some bytes behind the message, which it does not
// count as its own. pg_logical_emit_message() writes no more than the message, whatever that is; only code inside the server can.
// To all other readers of the WAL a sealed message is one like any other.
//
// When the message comes to the plugin, the record is gone. So the plugin looks at each record before the server reads the message
// out of it (filter_by_origin_cb), and sees to it that the sealed ones, and no others, have the prefix sealed_prefix.
#pragma once

extern "C" {
#include "postgres.h"

#include "access/xlogreader.h"
}

#include "wire/capture_message.hpp"

#include <string_view>

namespace waltrail {

// Writes a transactional message with the prefix wire::capture_prefix. Assigns a transaction id.
void log_sealed_message(std::string_view content);

// Never in the WAL, except where somebody writes it.
inline constexpr char sealed_prefix[] = "waltrail.sealed ";
static_assert(sizeof sealed_prefix == sizeof wire::capture_prefix);

// Where the record that was read last is a message, replaces its prefix, in the reader's memory: wire::capture_prefix of a sealed
// one by sealed_prefix, and sealed_prefix of one that is not sealed by something else.
void mark_sealed_message(XLogReaderState &reader);

} // namespace waltrail

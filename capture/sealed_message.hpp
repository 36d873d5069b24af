// Logical messages that no role can write: the WAL record of a sealed message has some bytes behind the message, which it does not
// count as its own. pg_logical_emit_message() writes no more than the message, whatever that is; only code inside the server can.
// To all other readers of the WAL a sealed message is one like any other.
//
// When the message is decoded, the record is gone. So a decoding session looks at each record before the server does
// (filter_by_origin_cb), and gives the sealed ones a prefix that nobody outside its process knows.
#pragma once

extern "C" {
#include "postgres.h"

#include "access/xlogreader.h"
}

#include <string_view>

namespace waltrail {

// Writes a transactional message with the prefix wire::capture_prefix. Assigns a transaction id.
void log_sealed_message(std::string_view content);

// Takes the place of wire::capture_prefix.
struct SecretPrefix {
    char text[17]; // as long, and ends with \0
};

// At random. An ERROR where the server has no randomness.
SecretPrefix make_secret_prefix();

// Where the record that was read last is a sealed message, replaces its prefix, in the reader's memory.
void mark_sealed_message(XLogReaderState &reader, const SecretPrefix &prefix);

} // namespace waltrail

#include "capture/sealed_message.hpp"

extern "C" {
#include "access/rmgr.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "access/xlogrecord.h"
#include "miscadmin.h"
#include "replication/message.h"
}

#include <cstring>

namespace waltrail {

namespace {

constexpr std::string_view seal = "sealed";

void add(const void *bytes, size_t size) {
    XLogRegisterData(static_cast<char *>(const_cast<void *>(bytes)), static_cast<int>(size));
}

bool is_prefix(const xl_logical_message &message, const char (&prefix)[sizeof sealed_prefix]) {
    return message.prefix_size == sizeof prefix &&
           std::memcmp(message.message, prefix, sizeof prefix) == 0;
}

bool is_sealed(XLogReaderState &reader, const xl_logical_message &message) {
    size_t end = SizeOfLogicalMessage + message.prefix_size + message.message_size;
    return XLogRecGetDataLen(&reader) == end + seal.size() &&
           std::memcmp(XLogRecGetData(&reader) + end, seal.data(), seal.size()) == 0;
}

} // namespace

// As the server's LogLogicalMessage(), and the seal.
void log_sealed_message(std::string_view content) {
    GetCurrentTransactionId();
    xl_logical_message message;
    std::memset(&message, 0, sizeof message);
    message.dbId = MyDatabaseId;
    message.transactional = true;
    message.prefix_size = sizeof wire::capture_prefix;
    message.message_size = content.size();
    XLogBeginInsert();
    add(&message, SizeOfLogicalMessage);
    add(wire::capture_prefix, sizeof wire::capture_prefix);
    add(content.data(), content.size());
    add(seal.data(), seal.size());
    XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
    XLogInsert(RM_LOGICALMSG_ID, XLOG_LOGICAL_MESSAGE);
}

void mark_sealed_message(XLogReaderState &reader) {
    if (XLogRecGetRmid(&reader) != RM_LOGICALMSG_ID) return;
    auto *message = reinterpret_cast<xl_logical_message *>(XLogRecGetData(&reader));
    if (is_prefix(*message, wire::capture_prefix) && is_sealed(reader, *message))
        std::memcpy(message->message, sealed_prefix, sizeof sealed_prefix);
    else if (is_prefix(*message, sealed_prefix))
        message->message[0] = '?';
}

} // namespace waltrail

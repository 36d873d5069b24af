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

#include "wire/capture_message.hpp"

#include <cstring>

namespace waltrail {

namespace {

constexpr std::string_view seal = "sealed";

void add(const void *bytes, size_t size) {
    XLogRegisterData(static_cast<char *>(const_cast<void *>(bytes)), static_cast<int>(size));
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

SecretPrefix make_secret_prefix() {
    SecretPrefix prefix{};
    static_assert(sizeof prefix.text == sizeof wire::capture_prefix);
    if (!pg_strong_random(prefix.text, sizeof prefix.text - 1))
        ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
                errmsg("could not generate random bytes for a decoding session"));
    for (char &byte : prefix.text)
        if (byte == '\0') byte = 'x';
    prefix.text[sizeof prefix.text - 1] = '\0';
    return prefix;
}

void mark_sealed_message(XLogReaderState &reader, const SecretPrefix &prefix) {
    if (XLogRecGetRmid(&reader) != RM_LOGICALMSG_ID) return;
    auto *message = reinterpret_cast<xl_logical_message *>(XLogRecGetData(&reader));
    size_t size = SizeOfLogicalMessage + message->prefix_size + message->message_size;
    bool is_sealed = message->prefix_size == sizeof wire::capture_prefix &&
                     XLogRecGetDataLen(&reader) == size + seal.size() &&
                     std::memcmp(XLogRecGetData(&reader) + size, seal.data(), seal.size()) == 0;
    if (is_sealed) std::memcpy(message->message, prefix.text, sizeof prefix.text);
}

} // namespace waltrail

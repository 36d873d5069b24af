// The server keeps 32 bits of a transaction id in most places.
#pragma once

extern "C" {
#include "postgres.h"

#include "access/transam.h"
}

namespace waltrail {

// Of a transaction that is being replayed: its epoch is that of the next transaction, or the one before.
inline uint64_t full_xid(TransactionId xid) {
    FullTransactionId next = ReadNextFullTransactionId();
    uint64_t epoch = EpochFromFullTransactionId(next);
    if (xid > XidFromFullTransactionId(next)) epoch--;
    return epoch << 32 | xid;
}

} // namespace waltrail

// Values whose text may not come about: a type's output function may raise an error, and text, or the memory to make it, may pass
// the server's 1 GB. An error would end the stream, and again at every new start, so these are encoded before their change is,
// inside a subtransaction of their own. What fails then travels as its stored bytes.
//
// Rows without such a value pay for a look at a flag; a subtransaction costs microseconds.
#pragma once

#include "relation_cache.hpp"
#include "value_encoder.hpp"

#include "wire/records.hpp"

namespace waltrail {

// Encodes the values of the row that need it into `row.prepared`, in the current memory context, and marks as unreadable what
// cannot be. Returns whether any is. To be called inside the replay of a transaction, with the settings for rendering applied.
bool guard_values(ValueEncoder &encoder, const RelationDescription &relation, RowSpace &row);

} // namespace waltrail

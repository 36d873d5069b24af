// INSERT, UPDATE and DELETE of one row.
#pragma once

#include "session.hpp"

namespace waltrail {

void record_row_change(Session &session, Relation relation, const ReorderBufferChange &change);

} // namespace waltrail

// TRUNCATE: one record of the WAL names all tables that one command emptied.
#pragma once

#include "session.hpp"

#include <span>

namespace waltrail {

void record_truncate(Session &session, std::span<const Relation> relations,
                     const ReorderBufferChange &change);

} // namespace waltrail

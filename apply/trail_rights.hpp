// What a role must be allowed at the destination. Asked of the catalogs beforehand, so that all that is missing is told at once
// and before a row is met that needs it.
#pragma once

#include "apply/prerequisites.hpp"

namespace waltrail {

enum class TrailUse {
    read,  // status
    write, // apply
};

// None: the role may do what that use needs. The trail must be there. Needs no right itself.
[[nodiscard]] std::optional<Problem> trail_right_problem(PostgresConnection &destination,
                                                         TrailUse use);

// Throws Error(stop) where there is such a problem.
void require_trail_rights(PostgresConnection &destination, TrailUse use);

} // namespace waltrail

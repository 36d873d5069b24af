// The tables that waltrail itself writes in a database that holds a trail. A change of the trail is no change to be recorded:
// where source and destination are one database, recording it would make another, without end; two databases that record
// each other would do the same by turns. So they are left out of every stream from that database, whatever its destination.
//
// What they are is asked of the source's catalog and never concluded from two connections that look alike: a physical copy
// has the names, OIDs and system identifier of what it was copied from, and is another database.
#pragma once

#include "apply/postgres.hpp"

#include <string>
#include <string_view>

namespace waltrail {

// A condition over `c`, a row of pg_class, and `n`, its row of pg_namespace: the trail's root and partitions, the tables beside
// it, and those in which pg_partman keeps what it knows. False wherever the extension is not installed. Needs no right on
// anything, and search_path = pg_catalog.
[[nodiscard]] std::string own_table_condition();

// Names, quoted and separated by commas, of the tables in schema "changes" that are waltrail's: for IN.
[[nodiscard]] std::string_view record_table_names();

// The value of the plugin's option exclude_oids: the tables above, partitions by their root; empty where there are none.
[[nodiscard]] std::string own_table_oids(PostgresConnection &source);

} // namespace waltrail

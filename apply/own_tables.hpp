// The tables that waltrail itself writes in a database that holds a trail. A change of the trail is no change to be recorded:
// where source and destination are one database, recording it would make another, without end; two databases that record
// each other would do the same by turns. So they are left out of every stream from that database, whatever its destination.
//
// What they are is asked of the source's catalog and never concluded from two connections that look alike: a physical copy
// has the names, OIDs and system identifier of what it was copied from, and is another database.
#pragma once

#include "apply/postgres.hpp"
#include "wire/types.hpp"

#include <string>
#include <string_view>

namespace waltrail {

// A condition over `c`, a row of pg_class, and `n`, its row of pg_namespace: the trail's root and partitions, the tables beside
// it, and those in which pg_partman keeps what it knows. False wherever the extension is not installed. Needs no right on
// anything, and search_path = pg_catalog.
[[nodiscard]] std::string own_table_condition();

// Names, quoted and separated by commas, of the tables in schema "changes" that are waltrail's: for IN.
[[nodiscard]] std::string_view record_table_names();

// What one stream leaves out, by OID. Where the trail is made anew while the stream runs, its new tables have other OIDs, and
// what is written to them comes back as changes: the first of them must end the stream, before it has made another.
class OwnTables {
  public:
    // Of the database as it is now. `conninfo` leads to it as well.
    OwnTables(PostgresConnection &source, std::string conninfo);

    // The value of the plugin's option exclude_oids: partitions by their root; empty where there are none.
    [[nodiscard]] const std::string &oids() const { return oids_; }

    // Call for a relation that is met for the first time. Throws Error(retry) when it has the name of a table of the trail and
    // the trail's tables are no longer those of the start.
    void check(const wire::Relation &met) const;

  private:
    std::string conninfo_;
    std::string oids_;
};

} // namespace waltrail

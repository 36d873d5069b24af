// A list of name patterns (wire/name_pattern.hpp) that a client's options and the source's settings gave.
//
// It is checked when a stream starts. Names are compared as the bytes that the catalog stores: every name has them, also one that
// cannot be converted to UTF-8, and no pattern's can change what another one means. In which encoding the bytes of a list are
// depends on where it comes from:
//
// list from                               | encoding
// ----------------------------------------+------------------------------------------------------------------------------------
// START_REPLICATION, SQL                  | the database's: the server converts a client's query, and refuses what it cannot
// ALTER DATABASE, ALTER ROLE              | that of the database where the command was run
// postgresql.conf                         | the file's
//
// The last two nobody converts. So a list of the source is compared with names in UTF-8 as well: it hides what it means in either
// encoding. What can be neither is refused (source_settings.cpp). In an SQL_ASCII database all are bytes.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/palloc.h"
}

#include "wire/memory.hpp"
#include "wire/name_pattern.hpp"

#include <span>
#include <string_view>
#include <type_traits>

namespace waltrail {

// check_table_pattern or check_column_pattern.
using PatternCheck = const char *(*)(const wire::NamePattern &);

// What is wrong with the first pattern that is no good, and the list from there on; `what` is null where all is well.
struct PatternProblem {
    const char *what = nullptr;
    std::string_view where{};
};

// An empty list is well. Works on any encoding of a server, for the grammar's characters are ASCII.
PatternProblem check_patterns(std::string_view list, PatternCheck check);

// How a list is written, for a hint.
inline constexpr char pattern_grammar[] =
    "Patterns like schema.table or schema.table.column are separated by commas; * stands for any "
    "characters, and a name in double quotes for itself.";

// An ERROR about the `kind` ("option") with the name, unless the list is well.
void require_patterns(const char *kind, const char *name, std::string_view list,
                      PatternCheck check);

struct ServerName {
    std::string_view stored; // in the encoding of the database
    std::string_view utf8;   // or raw text
};

// In the current memory context; null is a name that is gone, and empty. Needs a transaction.
ServerName server_name(const char *stored);

struct TableName {
    ServerName schema;
    ServerName table;
};

enum class ListEncoding : uint8_t { of_database, of_database_or_utf8 };

class PatternList {
  public:
    // Adds a checked list, copied into `context`, which must be the same each time; null adds nothing.
    void add(MemoryContext context, const char *list, ListEncoding encoding);
    bool empty() const { return entries_.size == 0; }

    // One of the names suffices: a row belongs to its table and to every partitioned table above it.
    bool matches_any(std::span<const TableName> names) const;
    bool matches_column(std::span<const TableName> names, const ServerName &column) const;

  private:
    struct Entry {
        wire::NamePattern pattern;
        ListEncoding encoding;
    };
    wire::Buffer entries_{};

    std::span<const Entry> entries() const {
        return {reinterpret_cast<const Entry *>(entries_.data), entries_.size / sizeof(Entry)};
    }
};
static_assert(std::is_trivially_destructible_v<PatternList>);

} // namespace waltrail

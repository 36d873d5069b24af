// A list of name patterns (wire/name_pattern.hpp) that a client's options and the source's settings gave.
//
// It is checked when a stream starts, where the catalogs cannot be read, and converted to UTF-8, in which names are
// compared, at its first use. Patterns point into memory of the context that the list was given.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/palloc.h"
}

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

// A table, in UTF-8.
struct TableName {
    std::string_view schema;
    std::string_view table;
};

class PatternList {
  public:
    // Adds a checked list in the server's encoding, copied into `context`; null adds nothing.
    void add(MemoryContext context, const char *list);
    // Must come before any match. Needs a transaction.
    void compile(MemoryContext context);
    bool empty() const { return text_.empty(); }

    // One of the names suffices: a row belongs to its table and to every partitioned table above it.
    bool matches_any(std::span<const TableName> names) const;
    bool matches_column(std::span<const TableName> names, std::string_view column) const;

  private:
    std::string_view text_{};
    std::span<const wire::NamePattern> patterns_{};
};
static_assert(std::is_trivially_destructible_v<PatternList>);

} // namespace waltrail

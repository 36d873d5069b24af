// What the source itself says of the trail (decoder/source_settings.hpp), as a session of a client sees it: postgresql.conf, its
// database and its role have their say. The library need not be loaded: the server then keeps what it does not understand as
// settings without a meaning.
#pragma once

#include "apply/postgres.hpp"
#include "apply/selection.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace waltrail {

struct SourcePatternSetting {
    const char *name; // of the server
    PatternKind kind;
    std::vector<std::string> Selection::*lists; // what it adds to
};

// All settings of the source that hold patterns.
[[nodiscard]] std::span<const SourcePatternSetting> source_pattern_settings();

inline constexpr const char *mask_key_file_setting = "waltrail.mask_key_file";

// The value; empty where it is not set. None: the role may not see it. Needs search_path = pg_catalog, as does what follows.
[[nodiscard]] std::optional<std::string> source_setting(PostgresConnection &source,
                                                        const char *name);

// Names "waltrail.…" that somebody has set and nobody reads, as far as the role may look: for the database, for the role, and
// in the server's files.
[[nodiscard]] std::vector<std::string> unknown_source_settings(PostgresConnection &source);

} // namespace waltrail

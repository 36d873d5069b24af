#include "apply/checks.hpp"
#include "apply/source_patterns.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

std::vector<std::string> patterns_without_match(PostgresConnection &source, PatternKind kind,
                                                const std::vector<std::string> &lists) {
    return kind == PatternKind::table
               ? patterns_without_table(source, parse_table_patterns(lists))
               : patterns_without_column(source, parse_column_patterns(lists));
}

// Where the library is not loaded, the server keeps a line of its configuration as a setting without a meaning, which every
// role may read. NULL: not to be told.
std::optional<std::string> mask_key_file(PostgresConnection &source) {
    try {
        return source
            .execute("SELECT coalesce(current_setting('waltrail.mask_key_file', true), '')")
            .string(0, 0);
    } catch (const Error &error) {
        if (error.sqlstate() != insufficient_privilege) throw;
        return std::nullopt;
    }
}

} // namespace

void check_patterns(CheckedPair &pair, FindingSink &findings) {
    for (const PatternSetting &setting : pattern_settings())
        for (auto &pattern : patterns_without_match(*pair.source, setting.kind,
                                                    pair.settings.selection.*setting.lists))
            findings.warn(fmt::format("pattern \"{}\" of {} matches no {} now", pattern,
                                      setting.flag,
                                      setting.kind == PatternKind::table ? "table" : "column"),
                          "correct it unless what it is for is still to come; case counts");
}

void check_mask_key(CheckedPair &pair, FindingSink &findings) {
    if (pair.settings.selection.mask_columns.empty()) return;
    std::optional<std::string> file = mask_key_file(*pair.source);
    if (file && file->empty())
        findings.fail("--mask-columns is given and the source has no mask key",
                      "set waltrail.mask_key_file on the source's server");
}

} // namespace waltrail

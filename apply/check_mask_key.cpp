// The key itself is never read, and pg_stat_file() tells neither whose the file is nor who may read it: that shows when a stream
// starts.
#include "apply/checks.hpp"
#include "apply/source_settings.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace waltrail {

namespace {

// As decoder/mask_key.hpp has them; a line end at the end of the file is no part of the key.
constexpr long long key_bytes_min = 16;
constexpr long long key_bytes_max = 1024;
constexpr long long line_end_bytes_max = 2;

constexpr const char *how_to_mend =
    "make it with \"openssl rand -hex 32\" in a file of the server's user, mode 0600, and name it "
    "in waltrail.mask_key_file on the source's server";

// Whoever may read any file of the server may look at this one.
bool may_look(PostgresConnection &source) {
    return source
               .execute("SELECT has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE') "
                        "AND pg_has_role('pg_read_server_files', 'USAGE')")
               .text(0, 0) == "t";
}

std::optional<Problem> file_problem(PostgresConnection &source, const std::string &file) {
    Result found = source.execute("SELECT size, isdir FROM pg_stat_file($1, true)", {file});
    if (found.is_null(0, 0))
        return Problem{fmt::format("the mask key file \"{}\" does not exist", file), how_to_mend};
    if (found.text(0, 1) == "t")
        return Problem{fmt::format("the mask key file \"{}\" is a folder", file), how_to_mend};
    long long bytes = std::atoll(found.string(0, 0).c_str());
    if (bytes < key_bytes_min || bytes > key_bytes_max + line_end_bytes_max)
        return Problem{fmt::format("the mask key file \"{}\" has {} bytes, and a key has {} to {}",
                                   file, bytes, key_bytes_min, key_bytes_max),
                       how_to_mend};
    return std::nullopt;
}

} // namespace

void check_mask_key(CheckedPair &pair, FindingSink &findings) {
    if (pair.selection.mask_columns.empty()) return;
    const char *asks =
        pair.settings.selection.mask_columns.empty() ? "waltrail.mask_columns" : "--mask-columns";
    if (pair.mask_key_file && pair.mask_key_file->empty())
        return findings.fail(
            fmt::format("{} is given and the source has no mask key, so that no stream can start",
                        asks),
            how_to_mend);
    if (!pair.mask_key_file || !may_look(*pair.source))
        return findings.note("the role may not look at the mask key file; whether it is good shows "
                             "when a stream starts",
                             "run check as a superuser of the source, who may look");
    try {
        findings.judge(file_problem(*pair.source, *pair.mask_key_file),
                       fmt::format("the mask key file \"{}\" is there", *pair.mask_key_file));
    } catch (const Error &error) {
        // Also without a right: that of the server's user, for the role has its own.
        findings.fail(fmt::format("the mask key file: {}", error.problem()), how_to_mend);
    }
}

} // namespace waltrail

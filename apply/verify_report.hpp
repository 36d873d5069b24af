// What `waltrail verify` has found, for a person and for a program.
#pragma once

#include "apply/row_verdict.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace waltrail {

struct ColumnValues {
    std::string column;
    std::optional<std::string> source, trail; // JSON; none: the column is not there
};

// One row that is not what the trail says. Its values are in it only where they were asked for: they may be nobody's business.
struct RowFinding {
    Verdict verdict = Verdict::different; // different, missing_in_trail or missing_in_source
    std::string schema, table;
    std::string key;
    std::vector<std::string> columns;
    std::string change_id; // the newest change of the row; empty: the trail has none
    std::string cause;     // what may explain it; empty: nothing known
    std::vector<ColumnValues> values;
};

[[nodiscard]] bool is_difference(Verdict verdict);

struct TableCounts {
    uint64_t rows = 0; // of the source, looked at
    uint64_t equal = 0, different = 0, missing_in_trail = 0, missing_in_source = 0;
    uint64_t not_seen = 0, not_comparable = 0;
    uint64_t undecided = 0;       // the trail had not recorded as far as the row was read
    uint64_t partly_compared = 0; // of the equal ones: rows with columns that say nothing

    // A row, or a key without one; not among `rows`.
    void add(const Judgement &judgement);
    [[nodiscard]] uint64_t differences() const {
        return different + missing_in_trail + missing_in_source;
    }
};

struct TableReport {
    std::string schema, table;
    TableCounts counts;
    std::string problem;     // why it could not be compared, or not to its end; empty: it was
    bool is_failure = false; // the problem is one that somebody can mend
    bool ends_run = false;   // the problem is that there is no connection any more
    std::vector<std::string> notes;
};

struct VerifyReport {
    std::vector<std::string> notes;   // patterns that match nothing
    std::vector<TableReport> tables;  // none: there was none to look at
    std::vector<RowFinding> findings; // as many as are listed
    uint64_t differences = 0;         // all of them
    std::string error; // what has ended the run before all tables were looked at; empty: nothing
};

// One line, without a line end: `different          "public.users" key "7": columns "email" (change 01…)`.
[[nodiscard]] std::string finding_line(const RowFinding &finding);
// A line about the whole run, with its line end.
[[nodiscard]] std::string note_line(const std::string &note);
// The lines of a table, each with its line end.
[[nodiscard]] std::string table_lines(const TableReport &table);
// The last line, with its line end; empty where an error has left nothing to count.
[[nodiscard]] std::string total_line(const VerifyReport &report);

// {"differences": N, "tables": [{"schema", "table", "rows", …, "problem", "notes"}], "findings": [{"kind", "schema", "table", "key", "columns", "change",
// "cause", "values"}], "notes", "error"}
[[nodiscard]] std::string verify_json(const VerifyReport &report);

} // namespace waltrail

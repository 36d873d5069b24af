#include "apply/verify_report.hpp"
#include "apply/counted.hpp"

#include "apply/error.hpp"
#include "apply/json_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace waltrail {

namespace {

// For programs; in lines for people without underscores.
std::string_view kind_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::different:
        return "different";
    case Verdict::missing_in_trail:
        return "missing_in_trail";
    default:
        return "missing_in_source";
    }
}

std::string shown_kind(Verdict verdict) {
    std::string kind(kind_of(verdict));
    for (char &c : kind)
        if (c == '_') c = ' ';
    return kind;
}

// In double quotes, on one line whatever it holds.
std::string quoted(const std::string &text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::ordered_json text_or_null(const std::string &text) {
    return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

// Not parsed: JSON's numbers have more digits than a program's.
nlohmann::ordered_json value_or_null(const std::optional<std::string> &value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

nlohmann::ordered_json finding_json(const RowFinding &finding) {
    auto values = nlohmann::ordered_json::array();
    for (const ColumnValues &value : finding.values)
        values.push_back({{"column", value.column},
                          {"source", value_or_null(value.source)},
                          {"trail", value_or_null(value.trail)}});
    return {{"kind", kind_of(finding.verdict)},
            {"schema", finding.schema},
            {"table", finding.table},
            {"key", finding.key},
            {"columns", finding.columns},
            {"change", text_or_null(finding.change_id)},
            {"cause", text_or_null(finding.cause)},
            {"values", values}};
}

nlohmann::ordered_json table_json(const TableReport &table) {
    const TableCounts &counts = table.counts;
    return {{"schema", table.schema},
            {"table", table.table},
            {"rows", counts.rows},
            {"equal", counts.equal},
            {"partly_compared", counts.partly_compared},
            {"different", counts.different},
            {"missing_in_trail", counts.missing_in_trail},
            {"missing_in_source", counts.missing_in_source},
            {"not_seen", counts.not_seen},
            {"undecided", counts.undecided},
            {"not_comparable", counts.not_comparable},
            {"problem", text_or_null(table.problem)},
            {"notes", table.notes}};
}

} // namespace

bool is_difference(Verdict verdict) {
    return verdict == Verdict::different || verdict == Verdict::missing_in_trail ||
           verdict == Verdict::missing_in_source;
}

void TableCounts::add(const Judgement &judgement) {
    switch (judgement.verdict) {
    case Verdict::equal:
        equal++;
        partly_compared += !judgement.difference.skipped.empty();
        break;
    case Verdict::gone:
        break;
    case Verdict::not_seen:
        not_seen++;
        break;
    case Verdict::not_comparable:
        not_comparable++;
        break;
    case Verdict::undecided:
        undecided++;
        break;
    case Verdict::different:
        different++;
        break;
    case Verdict::missing_in_trail:
        missing_in_trail++;
        break;
    case Verdict::missing_in_source:
        missing_in_source++;
        break;
    }
}

std::string finding_line(const RowFinding &finding) {
    std::string line =
        fmt::format("{:<17}  {} key {}", shown_kind(finding.verdict),
                    quoted(finding.schema + "." + finding.table), quoted(finding.key));
    if (!finding.columns.empty()) {
        std::vector<std::string> names;
        for (const std::string &column : finding.columns) names.push_back(quoted(column));
        line += fmt::format(": column{} {}", names.size() == 1 ? "" : "s", fmt::join(names, ", "));
    }
    for (const ColumnValues &value : finding.values)
        line += fmt::format("; {} is {} and was {}", quoted(value.column),
                            value.source.value_or("not there"), value.trail.value_or("not there"));
    if (!finding.change_id.empty()) line += fmt::format(" (change {})", finding.change_id);
    if (!finding.cause.empty()) line += fmt::format("; {}", finding.cause);
    return line;
}

std::string note_line(const std::string &note) {
    return fmt::format("{:<17}  {}\n", "note", one_line(note));
}

std::string table_lines(const TableReport &table) {
    std::string name = quoted(table.schema + "." + table.table);
    const TableCounts &counts = table.counts;
    std::string lines = fmt::format(
        "table              {}: {}, {} equal, {} different, {} "
        "missing in trail, {} missing in source, "
        "{} not seen, {} undecided, {} not comparable\n",
        name, counted(counts.rows, "row"), counts.equal, counts.different, counts.missing_in_trail,
        counts.missing_in_source, counts.not_seen, counts.undecided, counts.not_comparable);
    if (!table.problem.empty())
        lines += fmt::format("{:<17}  {}: {}\n", table.is_failure ? "error" : "note", name,
                             one_line(table.problem));
    for (const std::string &note : table.notes)
        lines += fmt::format("{:<17}  {}: {}\n", "note", name, one_line(note));
    return lines;
}

std::string total_line(const VerifyReport &report) {
    if (report.tables.empty()) return report.error.empty() ? "there is no table to compare\n" : "";
    uint64_t rows = 0, failures = 0, undecided = 0;
    for (const TableReport &table : report.tables) {
        rows += table.counts.rows;
        failures += table.is_failure;
        undecided += table.counts.undecided;
    }
    std::string line = fmt::format("{} in {} of {}", counted(report.differences, "difference"),
                                   counted(rows, "row"), counted(report.tables.size(), "table"));
    if (report.findings.size() < report.differences)
        line += fmt::format(", {} not listed", report.differences - report.findings.size());
    if (undecided > 0) line += fmt::format(", {} undecided", undecided);
    if (failures > 0) line += fmt::format(", {} not compared", counted(failures, "table"));
    if (!report.error.empty()) line += ", and no table after that";
    return line + "\n";
}

std::string verify_json(const VerifyReport &report) {
    auto tables = nlohmann::ordered_json::array(), findings = nlohmann::ordered_json::array();
    for (const TableReport &table : report.tables) tables.push_back(table_json(table));
    for (const RowFinding &finding : report.findings) findings.push_back(finding_json(finding));
    return json_text({{"differences", report.differences},
                      {"tables", tables},
                      {"findings", findings},
                      {"notes", report.notes},
                      {"error", text_or_null(report.error)}});
}

} // namespace waltrail

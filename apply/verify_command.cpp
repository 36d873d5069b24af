// `waltrail verify`: compares the tables of the source with the trail, one after another, and reports. It changes nothing at either end.
#include "apply/progress.hpp"
#include "apply/read_only_connection.hpp"
#include "apply/source_patterns.hpp"
#include "apply/source_settings.hpp"
#include "apply/source_status.hpp"
#include "apply/table_verifier.hpp"
#include "apply/trail_rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace waltrail {

namespace {

// What the source's own settings exclude or mask is no more verify's than apply's. A list that is malformed lets no stream start.
Selection whole_selection(PostgresConnection &source, const Selection &asked) {
    Selection selection = asked;
    for (const SourcePatternSetting &setting : source_pattern_settings()) {
        std::string list = source_setting(source, setting.name).value_or("");
        if (list.empty()) continue;
        if (std::string problem = pattern_problem(setting.kind, list); !problem.empty())
            throw Error(Disposition::stop,
                        fmt::format("{}: setting {} is malformed", source.where(), setting.name),
                        problem);
        (selection.*setting.lists).push_back(list);
    }
    return selection;
}

// The one whose trail it is, and no copy of it under another system identifier.
void require_same_source(PostgresConnection &source, const Progress &progress) {
    SourceFilter filter;
    narrow_to(source, filter);
    if (filter.system_identifier ==
            std::to_string(static_cast<int64_t>(progress.system_identifier)) &&
        filter.database_oid == std::to_string(progress.database_oid))
        return;
    throw Error(
        Disposition::stop,
        fmt::format("{}: the trail \"{}\" is of another database", source.where(), progress.label),
        "give the connection string of the source that it was registered with");
}

std::vector<NotedGap> read_gaps(PostgresConnection &destination, int source_id) {
    Result rows = destination.execute(
        "SELECT id, start_lsn, end_lsn FROM changes.gaps WHERE source_id = $1 ORDER BY id",
        {std::to_string(source_id)});
    std::vector<NotedGap> gaps;
    for (int row = 0; row < rows.rows(); row++)
        gaps.push_back({rows.string(row, 0), rows.string(row, 1), rows.string(row, 2),
                        parse_lsn(rows.text(row, 2)).value_or(Lsn{}).value});
    return gaps;
}

void print(const std::string &text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

class Verification {
  public:
    explicit Verification(const VerifySettings &settings)
        : settings_(settings), source_(connect_read_only(settings.ends.source, "source")),
          destination_(connect_read_only(settings.ends.destination, "destination")) {}

    VerifyReport run() {
        require_trail(destination_);
        require_trail_rights(destination_, TrailUse::read);
        Progress progress = find_source(destination_, PQdb(source_.get()), settings_.ends.slot);
        require_same_source(source_, progress);
        pin_plans();
        pin_rendering(source_);
        SourceTrail trail = read_source_trail(destination_, progress.source_id, progress.label);
        auto gaps = read_gaps(destination_, progress.source_id);
        TrailWait wait(source_, destination_, progress.label, settings_.wait);
        Selection selection = whole_selection(source_, settings_.selection);
        RowRate rate(settings_.rows_per_second);
        VerifyRun run{.source = source_,
                      .destination = destination_,
                      .settings = settings_,
                      .selection = selection,
                      .trail = trail,
                      .gaps = gaps,
                      .wait = wait,
                      .rate = rate,
                      .report = [this](RowFinding finding) { take(std::move(finding)); }};
        try {
            tell_unmatched_patterns();
            compare_tables(run);
        } catch (const std::exception &error) {
            report_.error = one_line(error.what()); // what was found until then is worth hours
        }
        return std::move(report_);
    }

  private:
    // Each as it is when its turn comes, which may be hours later.
    void compare_tables(VerifyRun &run) {
        for (const std::string &oid : list_verified_tables(source_, run.selection)) {
            auto table = read_verified_table(source_, run.selection, oid);
            if (!table) continue;
            TableReport report = TableVerifier(run, std::move(*table)).verify();
            if (report.ends_run) report_.error = one_line(report.problem);
            take(std::move(report));
            if (!report_.error.empty()) return;
        }
    }

    // The trail's table is large and each query has an index; a long history takes its time.
    void pin_plans() {
        destination_.execute(
            "SET enable_seqscan = off; SET jit = off; SET statement_timeout = '10min'");
    }

    void tell_unmatched_patterns() {
        for (const PatternSetting &setting : pattern_settings())
            for (const std::string &line : unmatched_patterns(source_, setting.flag, setting.kind,
                                                              settings_.selection.*setting.lists)) {
                if (!settings_.json) print(note_line(line));
                report_.notes.push_back(line);
            }
    }

    void take(RowFinding finding) {
        report_.differences++;
        if (report_.findings.size() >= settings_.list_max) return;
        if (!settings_.json) print(finding_line(finding) + "\n");
        report_.findings.push_back(std::move(finding));
    }

    void take(TableReport table) {
        if (!settings_.json) print(table_lines(table));
        report_.tables.push_back(std::move(table));
    }

    const VerifySettings &settings_;
    PostgresConnection source_, destination_;
    VerifyReport report_;
};

} // namespace

int run_verify(const VerifySettings &settings) {
    VerifyReport report = Verification(settings).run();
    print(settings.json ? verify_json(report) : total_line(report));
    if (!report.error.empty()) throw Error(Disposition::stop, report.error);
    if (report.differences > 0) return static_cast<int>(ExitCode::differences);
    bool is_whole = std::none_of(report.tables.begin(), report.tables.end(), [](auto &table) {
        return table.is_failure || table.counts.undecided > 0;
    });
    return static_cast<int>(is_whole && !report.tables.empty() ? ExitCode::success
                                                               : ExitCode::failure);
}

} // namespace waltrail

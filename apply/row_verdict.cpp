#include "apply/row_verdict.hpp"

#include <algorithm>

namespace waltrail {

namespace {

// | the row is    | the newest change says            | verdict                                                       |
// |---------------|-----------------------------------|---------------------------------------------------------------|
// | there         | nothing (there is none)           | not seen; missing in the trail where it must be there         |
// | there         | it is gone, or all were truncated | missing in the trail                                          |
// | there         | it is there                       | compared                                                      |
// | not there     | nothing, or it is gone            | gone                                                          |
// | not there     | it is there                       | missing in the source, unless it has left for another key, was perhaps in a partition that was truncated, or such losses are not told |
// | (any)         | what is neither equal nor gone, and the retention has dropped later changes | not comparable      |
Judgement judge_by(const RowCase &row, const TrailChange &change,
                   const std::vector<ComparedColumn> &columns, const TableHistory &history) {
    Judgement judgement{.change = &change};
    bool was_made = change.operation == "CREATE" || change.operation == "UPDATE";
    bool is_in_trail = was_made && change.position > row.truncated_at;
    if (!row.is_in_source) {
        bool may_be_gone = row.has_left || change.position < row.partition_truncated_at;
        judgement.verdict = !is_in_trail || may_be_gone ? Verdict::gone
                            : row.losses_are_told       ? Verdict::missing_in_source
                                                        : Verdict::not_comparable;
    } else if (!is_in_trail) {
        judgement.verdict = Verdict::missing_in_trail;
    } else if (!row.row) {
        judgement.verdict = Verdict::not_comparable;
    } else {
        judgement.difference =
            compare_row(*row.row, change, columns, history.shapes_at(change.position));
        judgement.verdict =
            judgement.difference.columns.empty() ? Verdict::equal : Verdict::different;
    }
    return judgement;
}

bool is_good(Verdict verdict) { return verdict == Verdict::equal || verdict == Verdict::gone; }

} // namespace

Judgement judge_row(const RowCase &row, const std::vector<ComparedColumn> &columns,
                    const TableHistory &history) {
    Judgement first;
    if (row.newest.empty()) {
        if (row.is_in_source)
            first.verdict = row.must_be_in_trail ? Verdict::missing_in_trail : Verdict::not_seen;
        return first;
    }
    for (const TrailChange &change : row.newest) {
        Judgement judgement = judge_by(row, change, columns, history);
        if (is_good(judgement.verdict)) return judgement;
        if (&change == &row.newest.front()) first = judgement;
    }
    bool is_left = std::all_of(row.newest.begin(), row.newest.end(),
                               [](auto &change) { return change.is_left; });
    if (is_left) first.verdict = Verdict::not_comparable;
    return first;
}

} // namespace waltrail

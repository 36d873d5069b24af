#include "apply/trail_rows.hpp"

#include "apply/record_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

namespace waltrail {

namespace {

// How many of a key's newest changes are looked at for one that was committed later than the newest by position.
constexpr int newest_by_position_max = 50;

constexpr const char *shapes_sql = R"(
SELECT r.relation_oid, r.from_position, r.schema, r."table", r.leaf_schema, r.leaf_table, r.replica_identity = 'f', r.columns::text,
       to_jsonb(r.key_columns)::text
  FROM changes.relations AS r
 WHERE r.source_id = {0}
   AND (r.relation_oid = ANY ($1::oid[])
        OR (r.schema, r."table") IN (SELECT m.schema, m."table" FROM changes.relations AS m
                                      WHERE m.source_id = {0} AND m.relation_oid = ANY ($1::oid[]))
        OR (r.schema = $2 AND r."table" = $3))
 ORDER BY r.from_position)";

// A change that is older than what the retention has dropped may be what it left of a row's changes.
constexpr std::string_view change_columns =
    "c.id, c.operation, c.position, c.after, "
    "(c.context->'_waltrail'->'after')::text AS marks, "
    "(c.context->'_waltrail'->'erased')::text AS erased, "
    "c.committed_at < (SELECT max(d.upper_bound) FROM changes.drops AS d) AS is_left, "
    "c.transaction_id";

// Sizes first: what would be too much together is not written, but for the first key's. A value that is stored out of line passes through the window
// as a pointer. {0}: the newest changes of a key `k`; {1}: bytes.
constexpr const char *newest_sql_frame = R"(
SELECT f.n - 1, f.id, f.operation, f.position, CASE WHEN f.is_sent THEN f.after::text END, f.marks, f.erased, f.is_left, f.transaction_id
  FROM (SELECT k.n, c.*, k.n = 1 OR sum(octet_length(c.after::text)) OVER (ORDER BY k.n) <= {1} AS is_sent
          FROM unnest($1::text[]) WITH ORDINALITY AS k (key, n) CROSS JOIN LATERAL ({0}) AS c) AS f
 ORDER BY f.n, f.pick)";
constexpr int after_at = 4;

// The newest changes before each hour of the day after what was dropped, by the primary key, whose ids begin with the time of the commit: a day
// may have many millions. $1: label; {0}: when the day begins, a literal.
constexpr const char *later_transactions_sql = R"(
WITH hour (h, id) AS (
    SELECT h, (lpad(to_hex(floor(extract(epoch FROM {0}::timestamptz + h * interval '1 hour') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
      FROM generate_series(0, 24) AS h)
SELECT max(n.transaction_id)
  FROM hour CROSS JOIN LATERAL (
       SELECT c.transaction_id, c.database FROM public.changes AS c
        WHERE c.committed_at >= {0}::timestamptz AND c.committed_at < {0}::timestamptz + interval '1 day'
          AND c.id >= (SELECT day.id FROM hour AS day WHERE day.h = 0) AND c.id < hour.id
        ORDER BY c.id DESC LIMIT 1000) AS n
 WHERE hour.h > 0 AND n.database = $1)";

uint64_t number(const Result &rows, int row, int column) {
    return std::strtoull(rows.string(row, column).c_str(), nullptr, 10);
}

RecordedShape shape_of(const Result &rows, int row) {
    RecordedShape shape;
    shape.relation_oid = static_cast<uint32_t>(number(rows, row, 0));
    shape.from_position = number(rows, row, 1);
    shape.schema = rows.string(row, 2);
    shape.table = rows.string(row, 3);
    shape.leaf_schema = rows.string(row, 4);
    shape.leaf_table = rows.string(row, 5);
    shape.is_full = rows.text(row, 6) == "t";
    for (const auto &column : nlohmann::json::parse(rows.text(row, 7))) {
        std::string name = column["name"];
        shape.types[name] = column["type"];
        shape.columns.push_back(name);
        if (column["identity"]) shape.identity.insert(name);
        if (column["masked"]) shape.masked.insert(name);
    }
    shape.key = nlohmann::json::parse(rows.text(row, 8));
    return shape;
}

// {"json_as_text": ["a"], "unreadable": ["b"]}, or the list of columns that were erased.
void add_columns(std::string_view marks, std::set<std::string> &columns) {
    if (marks.empty()) return;
    nlohmann::json value = nlohmann::json::parse(marks, nullptr, false);
    auto add = [&](const nlohmann::json &names) {
        for (const auto &name : names)
            if (name.is_string()) columns.insert(name.get<std::string>());
    };
    if (value.is_array()) add(value);
    if (value.is_object())
        for (const auto &names : value) add(names);
}

TrailChange change_of(const Result &rows, int row, int column) {
    TrailChange change;
    change.id = rows.string(row, column);
    change.operation = rows.string(row, column + 1);
    change.position = number(rows, row, column + 2);
    change.after = rows.string(row, column + 3);
    add_columns(rows.text(row, column + 4), change.unreadable);
    add_columns(rows.text(row, column + 5), change.unreadable);
    change.is_left = rows.text(row, column + 6) == "t";
    change.transaction_id = number(rows, row, column + 7);
    return change;
}

std::string elements(const std::vector<std::string> &texts) {
    return text_array(std::vector<std::optional<std::string>>(texts.begin(), texts.end()));
}

} // namespace

// A transaction that began after the slot was made is in the trail. What the retention has dropped since was committed before the end of what
// it dropped: a row's transaction was begun after that, and so is in the trail, if its id is higher than that of some transaction that was
// begun in the day after. That is wrong only if none of those that are looked at was.
SourceTrail read_source_trail(PostgresConnection &destination, int source_id,
                              const std::string &label) {
    SourceTrail trail{.source_id = source_id, .label = label};
    trail.relation = destination.execute("SELECT changes.readable()").string(0, 0);
    if (trail.relation == "changes.changes")
        throw Error(
            Disposition::stop,
            fmt::format("{}: the role may read some tables of the trail only", destination.where()),
            "use a role that was given the whole of it by changes.grant_reader()");
    Result begin = destination.execute(
        "SELECT s.first_transaction_id, (SELECT max(d.upper_bound) FROM changes.drops AS d) FROM "
        "changes.sources AS s WHERE s.id = $1",
        {std::to_string(source_id)});
    if (begin.rows() == 0 || begin.is_null(0, 0)) return trail;
    trail.known_from_xid = number(begin, 0, 0);
    if (begin.is_null(0, 1)) return trail;
    Result later = destination.execute(
        fmt::format(later_transactions_sql, destination.quote_literal(begin.text(0, 1))), {label});
    if (later.is_null(0, 0))
        trail.known_from_xid.reset();
    else
        trail.known_from_xid = std::max(*trail.known_from_xid, number(later, 0, 0) + 1);
    return trail;
}

TrailRows::TrailRows(PostgresConnection &destination, const SourceTrail &trail,
                     const PresentTable &table)
    : destination_(destination), trail_(trail), table_(table) {
    read_history();
}

void TrailRows::read_history() {
    Result rows = destination_.execute(
        fmt::format(shapes_sql, trail_.source_id),
        {fmt::format("{{{}}}", fmt::join(table_.members, ",")), table_.schema, table_.table});
    std::vector<RecordedShape> shapes;
    for (int row = 0; row < rows.rows(); row++) {
        RecordedShape shape = shape_of(rows, row);
        auto layout = layouts_.find(shape.relation_oid);
        if (layout != layouts_.end()) shape.layout = layout->second;
        shapes.push_back(std::move(shape));
    }
    history_ = TableHistory(table_, std::move(shapes));
    truncations_ = read_truncations(destination_, trail_.relation, trail_.label, history_);
}

// The names of the table, where the changes are its own. False where the trail does not know it.
std::string TrailRows::condition() const {
    std::vector<std::string> stretches;
    for (const NamedStretch &stretch : history_.stretches())
        stretches.push_back(fmt::format(
            "c.database = {} AND c.schema = {} AND c.\"table\" = {} AND c.position >= {} AND "
            "c.position < {}",
            destination_.quote_literal(trail_.label), destination_.quote_literal(stretch.schema),
            destination_.quote_literal(stretch.table), stretch.from, stretch.until));
    return stretches.empty() ? "false" : fmt::format("({})", fmt::join(stretches, " OR "));
}

std::string TrailRows::newest_sql(const RowSnapshot &snapshot, bool by_time) const {
    std::string of_key = fmt::format(
        "FROM {} AS c WHERE {} AND c.primary_key = k.key AND {} ORDER BY c.position DESC",
        trail_.relation, condition(), seen_condition(snapshot));
    std::string found = fmt::format("SELECT 1 AS pick, {} {} LIMIT 1", change_columns, of_key);
    if (by_time)
        found =
            fmt::format("({}) UNION ALL (SELECT 2, {} FROM (SELECT * {} LIMIT {}) AS c ORDER BY "
                        "changes.commit_time(c.id) DESC NULLS LAST, c.position DESC LIMIT 1)",
                        found, change_columns, of_key, newest_by_position_max);
    return fmt::format(newest_sql_frame, found, changes_bytes_max);
}

std::vector<std::vector<TrailChange>> TrailRows::newest(std::span<const std::string> keys,
                                                        const RowSnapshot &snapshot, bool by_time) {
    std::vector<std::vector<TrailChange>> newest(keys.size());
    if (keys.empty() || history_.stretches().empty()) return newest;
    newest.resize(std::min(keys.size(), keys_max_));
    std::vector<std::string> asked(keys.begin(), keys.begin() + static_cast<long>(newest.size()));
    Result rows = destination_.execute(newest_sql(snapshot, by_time), {elements(asked)});
    for (int row = 0; row < rows.rows(); row++) {
        size_t place = number(rows, row, 0);
        if (rows.is_null(row, after_at)) {
            newest.resize(place);
            keys_max_ = place;
            return newest;
        }
        TrailChange change = change_of(rows, row, 1);
        auto &of_this = newest[place];
        if (of_this.empty() || of_this.back().id != change.id) of_this.push_back(std::move(change));
    }
    if (newest.size() == keys_max_) keys_max_ *= 2;
    return newest;
}

std::vector<bool> TrailRows::has_left(const std::vector<LeftKey> &keys,
                                      const RowSnapshot &snapshot) {
    std::vector<bool> has_left(keys.size());
    std::vector<std::string> documents, positions;
    for (const LeftKey &key : keys) {
        documents.push_back(key.json);
        positions.push_back(std::to_string(key.position));
    }
    if (keys.empty()) return has_left;
    Result rows = destination_.execute(
        fmt::format(
            "SELECT k.n - 1 FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS k (document, "
            "position, n) WHERE EXISTS (SELECT FROM {} AS c WHERE {} AND c.operation = 'UPDATE' "
            "AND c.before @> k.document::jsonb AND NOT c.after @> k.document::jsonb AND c.position "
            "> k.position AND {})",
            trail_.relation, condition(), seen_condition(snapshot)),
        {elements(documents), elements(positions)});
    for (int row = 0; row < rows.rows(); row++) has_left[number(rows, row, 0)] = true;
    return has_left;
}

// Of a key that has changes under several names only the name with the newest has the row.
std::string TrailRows::has_later_change() const {
    if (history_.stretches().size() == 1) return "false";
    return fmt::format("EXISTS (SELECT FROM {} AS c WHERE {} AND c.primary_key = k.primary_key AND "
                       "c.position > k.position)",
                       trail_.relation, condition());
}

// Backwards, because that is how the index has the newest change of each key first.
std::vector<TrailKey> TrailRows::next_keys(size_t count) {
    std::vector<TrailKey> keys;
    while (keys.empty() && stretch_ < history_.stretches().size()) {
        const NamedStretch &stretch = history_.stretches()[stretch_];
        Result rows = destination_.execute(
            fmt::format(
                "SELECT k.primary_key, k.operation, k.position, {} FROM (SELECT DISTINCT ON "
                "(c.primary_key) "
                "c.primary_key, c.operation, c.position FROM {} AS c WHERE c.\"table\" = $1 AND "
                "c.schema = $2 AND c.database = $3 AND c.position >= {} AND c.position < {} AND "
                "c.primary_key {} ORDER BY c.primary_key DESC, c.position DESC LIMIT {}) AS k "
                "ORDER BY k.primary_key DESC",
                has_later_change(), trail_.relation, stretch.from, stretch.until,
                last_key_ ? "< $4" : "IS NOT NULL AND $4::text IS NULL", count),
            {stretch.table, stretch.schema, trail_.label, last_key_});
        uint64_t truncated_at = truncations_.newest();
        for (int row = 0; row < rows.rows(); row++)
            keys.push_back({rows.string(row, 0), rows.text(row, 1) != "DELETE" &&
                                                     number(rows, row, 2) > truncated_at &&
                                                     rows.text(row, 3) == "f"});
        last_key_.reset();
        if (keys.size() < count)
            stretch_++;
        else
            last_key_ = keys.back().key;
    }
    return keys;
}

uint64_t TrailRows::quarantined() {
    return number(
        destination_.execute("SELECT count(*) FROM changes.quarantine WHERE source_id = $1 AND "
                             "schema = $2 AND \"table\" = $3 AND part = 0",
                             {std::to_string(trail_.source_id), table_.schema, table_.table}),
        0, 0);
}

uint64_t TrailRows::erasures() {
    return number(
        destination_.execute("SELECT count(*) FROM changes.erasures WHERE action = 'rows' AND "
                             "coalesce(database, $1) = $1 AND schema = $2 AND \"table\" = $3",
                             {trail_.label, table_.schema, table_.table}),
        0, 0);
}

} // namespace waltrail

#include "apply/source_rows.hpp"

#include "apply/record_text.hpp"
#include "apply/shown_text.hpp"
#include "wire/raw_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

namespace waltrail {

namespace {

// Columns of a range's result before those of the key.
constexpr int key_at = 0, xmin_at = 1, snapshot_at = 2, row_at = 3, key_columns_at = 4;
constexpr size_t key_characters_max = 255; // of the trail's primary_key

// The value, the row or its JSON is more than the server can write: data exceptions, limits, allocations beyond 1 GB (which are
// internal errors), no memory. Everything else is no matter of one row.
bool is_of_a_value(const Error &error) {
    std::string_view state = error.sqlstate();
    return state.starts_with("22") || state.starts_with("54") || state == "XX000" ||
           state == "53200";
}

bool has_plain_operators(const VerifiedTable &table) {
    return std::all_of(table.key.begin(), table.key.end(), [](const KeyColumn &column) {
        return column.operator_schema == "pg_catalog";
    });
}

std::shared_ptr<const RowSnapshot> snapshot_of(const PostgresConnection &source,
                                               std::string_view text) {
    std::optional<RowSnapshot> snapshot = parse_snapshot(text);
    if (!snapshot)
        throw Error(Disposition::stop,
                    fmt::format("{}: could not read the snapshot \"{}\"", source.where(), text));
    return std::make_shared<RowSnapshot>(*snapshot);
}

std::string key_expression(const VerifiedTable &table) {
    std::vector<std::string> columns;
    for (const KeyColumn &column : table.key) columns.push_back("t." + column.name);
    return columns.size() == 1 ? columns[0] + "::text"
                               : fmt::format("ROW({})::text", fmt::join(columns, ", "));
}

// Only the partitioned table's own rows are its partitions'; an ordinary one's children are tables of their own.
std::string from_table(const VerifiedTable &table) {
    return fmt::format("{}{} AS t", table.present.is_partitioned ? "" : "ONLY ", table.sql_name);
}

std::string chosen_condition(const VerifiedTable &table) {
    return table.chosen.empty() ? "true"
                                : fmt::format("t.tableoid IN ({})", fmt::join(table.chosen, ", "));
}

// By column of the key; none for a text that is no key of so many columns.
std::vector<std::optional<std::string>> key_fields(const VerifiedTable &table,
                                                   const std::string &key) {
    if (table.key.size() == 1) return {key};
    return record_fields(key).value_or(std::vector<std::optional<std::string>>{});
}

bool is_utf8(std::string_view text) {
    try {
        static_cast<void>(nlohmann::json(text).dump());
        return true;
    } catch (const nlohmann::json::type_error &) {
        return false;
    }
}

// A database without an encoding sends its bytes as they are.
std::optional<std::string> key_of_trail(std::string_view key) {
    if (is_utf8(key)) return std::string(key);
    std::string shown = shown_text(std::string{wire::raw_text_mark}.append(key));
    if (shown.size() > key_characters_max) return std::nullopt;
    return shown;
}

std::shared_ptr<const RowSnapshot> present_snapshot(PostgresConnection &source) {
    return snapshot_of(source, source.execute("SELECT pg_current_snapshot()").text(0, 0));
}

// One snapshot for all: by it they are looked up in the trail together.
std::vector<AbsentKey> of_one_moment(const std::vector<size_t> &places,
                                     const std::shared_ptr<const RowSnapshot> &snapshot) {
    std::vector<AbsentKey> keys;
    for (size_t place : places) keys.push_back({place, snapshot});
    return keys;
}

} // namespace

void pin_rendering(PostgresConnection &source) {
    source.execute(
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET "
        "extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET "
        "quote_all_identifiers = off; SET row_security = off; SET jit = off; SET lock_timeout = "
        "'5s'");
}

SourceRange SourceRows::next() {
    SourceRange range;
    if (at_end_) return range;
    size_t limit = limit_;
    Result rows = read_next(limit);
    at_end_ = static_cast<size_t>(rows.rows()) < limit;
    size_t bytes = 0;
    for (int row = 0; row < rows.rows(); row++) {
        SourceRow read;
        if (!rows.is_null(row, key_at)) read.key = key_of_trail(rows.text(row, key_at));
        if (!rows.is_null(row, xmin_at))
            read.xmin =
                static_cast<uint32_t>(std::strtoul(rows.string(row, xmin_at).c_str(), nullptr, 10));
        if (!rows.is_null(row, row_at)) read.row = rows.string(row, row_at);
        bytes += rows.text(row, row_at).size();
        range.rows.push_back(std::move(read));
    }
    if (range.rows.empty()) return range;
    int last = rows.rows() - 1;
    range.snapshot = snapshot_of(source_, rows.text(last, snapshot_at));
    last_.clear();
    for (size_t i = 0; i < table_.key.size(); i++)
        last_.push_back(rows.string(last, key_columns_at + static_cast<int>(i)));
    adapt(range.rows.size(), bytes);
    return range;
}

// Down to the one row that the server refuses, and back when it is behind us.
Result SourceRows::read_next(size_t &limit) {
    for (Extent extent = Extent::whole;;) {
        std::vector<Parameter> parameters(last_.begin(), last_.end());
        try {
            return source_.execute(range_sql(extent, limit), parameters);
        } catch (const Error &error) {
            if (!is_of_a_value(error)) throw;
            if (limit > 1)
                limit_ = limit = limit > 8 ? limit / 8 : 1;
            else if (extent == Extent::whole)
                extent = Extent::without_json;
            else if (extent == Extent::without_json)
                extent = Extent::key_only;
            else
                throw;
        }
    }
}

void SourceRows::adapt(size_t rows, size_t bytes) {
    size_t fitting = range_bytes_usual / std::max<size_t>(bytes / rows, 1);
    limit_ = std::clamp<size_t>(std::min(limit_ * 2, fitting), 1, range_rows_max_);
}

std::string SourceRows::row_expression(Extent extent) const {
    if (extent == Extent::key_only) return "NULL::text";
    std::vector<std::string> columns;
    for (const SourceColumn &column : table_.columns)
        if (extent == Extent::whole || !column.holds_json)
            columns.push_back(fmt::format("{} AS {}", column.expression, column.name));
    if (columns.empty()) return "'{}'::text";
    return fmt::format("(SELECT to_jsonb(r)::text FROM (SELECT {}) AS r)",
                       fmt::join(columns, ", "));
}

// A comparison of rows is what an index on several columns serves from where it stands. It takes operators of one schema.
std::string SourceRows::behind_last() const {
    if (last_.empty()) return "true";
    std::vector<std::string> columns, values;
    for (size_t i = 0; i < table_.key.size(); i++) {
        columns.push_back("t." + table_.key[i].name);
        values.push_back(fmt::format("${}::text::{}", i + 1, table_.key[i].cast));
    }
    if (has_plain_operators(table_))
        return fmt::format("({}) > ({})", fmt::join(columns, ", "), fmt::join(values, ", "));
    std::string condition;
    for (size_t i = table_.key.size(); i-- > 0;) {
        auto compare = [&](std::string_view sign) {
            return fmt::format("{} OPERATOR({}.{}) {}", columns[i], table_.key[i].operator_schema,
                               sign, values[i]);
        };
        condition = condition.empty()
                        ? compare(">")
                        : fmt::format("{} AND ({} OR {})", compare(">="), compare(">"), condition);
    }
    return "(" + condition + ")";
}

std::string SourceRows::range_sql(Extent extent, size_t limit) const {
    std::vector<std::string> order, keys;
    for (const KeyColumn &column : table_.key) {
        order.push_back("t." + column.name);
        keys.push_back(fmt::format("t.{}::text", column.name));
    }
    return fmt::format("SELECT CASE WHEN length({0}) <= {1} THEN {0} END, {2}, "
                       "pg_current_snapshot(), {3}, {4} FROM {5} "
                       "WHERE {6} AND {7} ORDER BY {8} LIMIT {9}",
                       key_expression(table_), key_characters_max,
                       table_.may_read_xmin ? "t.xmin::text" : "NULL::text", row_expression(extent),
                       fmt::join(keys, ", "), from_table(table_), behind_last(),
                       chosen_condition(table_), fmt::join(order, ", "), limit);
}

std::string SourceRows::absent_sql() const {
    std::vector<std::string> arrays, names, conditions;
    for (size_t i = 0; i < table_.key.size(); i++) {
        const KeyColumn &column = table_.key[i];
        arrays.push_back(fmt::format("${}::text[]", i + 1));
        names.push_back(fmt::format("k{}", i));
        conditions.push_back(fmt::format("t.{} OPERATOR({}.=) k.k{}::{}", column.name,
                                         column.operator_schema, i, column.cast));
    }
    return fmt::format(
        "SELECT k.n - 1, pg_current_snapshot() FROM unnest({}) WITH ORDINALITY AS k ({}, n) LEFT "
        "JOIN {} ON {} WHERE t.{} IS NULL",
        fmt::join(arrays, ", "), fmt::join(names, ", "), from_table(table_),
        fmt::join(conditions, " AND "), table_.key[0].name);
}

std::vector<AbsentKey> SourceRows::absent(std::span<const std::string> keys) {
    if (keys.empty()) return {};
    std::vector<std::vector<std::optional<std::string>>> columns(table_.key.size());
    std::vector<size_t> asked, absent;
    for (size_t i = 0; i < keys.size(); i++) {
        std::vector<std::optional<std::string>> fields = key_fields(table_, keys[i]);
        if (fields.size() != columns.size()) {
            absent.push_back(i);
            continue;
        }
        asked.push_back(i);
        for (size_t j = 0; j < fields.size(); j++) columns[j].push_back(std::move(fields[j]));
    }
    std::vector<Parameter> parameters;
    for (const auto &column : columns) parameters.push_back(text_array(column));
    try {
        Result rows = source_.execute(absent_sql(), parameters);
        for (int row = 0; row < rows.rows(); row++)
            absent.push_back(asked[std::strtoul(rows.string(row, 0).c_str(), nullptr, 10)]);
        if (absent.empty()) return {};
        return of_one_moment(absent, rows.rows() > 0 ? snapshot_of(source_, rows.text(0, 1))
                                                     : present_snapshot(source_));
    } catch (const Error &error) {
        if (!is_of_a_value(error)) throw;
        return keys.size() == 1 ? of_one_moment({0}, present_snapshot(source_))
                                : absent_by_halves(keys);
    }
}

// Down to the keys that the server refuses to read as a value.
std::vector<AbsentKey> SourceRows::absent_by_halves(std::span<const std::string> keys) {
    size_t half = keys.size() / 2;
    std::vector<AbsentKey> found = absent(keys.first(half));
    for (AbsentKey &key : absent(keys.subspan(half)))
        found.push_back({half + key.place, std::move(key.snapshot)});
    return found;
}

} // namespace waltrail

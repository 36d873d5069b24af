#include "wire/marks.hpp"

#include "wire/json_members.hpp"
#include "wire/json_render.hpp"

namespace waltrail::wire {

namespace {

struct MarkName {
    Marks mark;
    std::string_view name;
};
constexpr MarkName mark_names[] = {{mark_bytes_escaped, "bytes_escaped"},
                                   {mark_json_as_text, "json_as_text"},
                                   {mark_unreadable, "unreadable"}};

// `out` is used as scratch and left as it was.
Marks marks_of(Buffer &out, const Type &type, const Value &value) {
    if (value.state != Value::State::present) return 0;
    if (value.unreadable) return mark_unreadable;
    size_t start = out.size;
    Marks marks = append_json_value(out, type, value.bytes);
    out.size = start;
    return marks;
}

void append_comma(Buffer &out) {
    if (out.data[out.size - 1] != '{' && out.data[out.size - 1] != '[') out.append_byte(',');
}

// `"name":["column",…]`, or nothing where no column has the mark.
void append_marked_columns(Buffer &out, std::span<const Column> columns, std::span<const Value> row,
                           const MarkName &sought) {
    size_t start = out.size;
    append_comma(out);
    append_json_string(out, sought.name);
    out.append(":[");
    size_t empty = out.size;
    for (size_t i = 0; i < row.size(); i++) {
        if ((marks_of(out, columns[i].type, row[i]) & sought.mark) == 0) continue;
        append_comma(out);
        append_json_string(out, columns[i].name);
    }
    if (out.size == empty)
        out.size = start;
    else
        out.append_byte(']');
}

// `"name":{…}`, or nothing where the row has no marks.
void append_marked_row(Buffer &out, std::string_view name, const Relation &relation,
                       std::span<const Value> row) {
    size_t start = out.size;
    append_comma(out);
    append_json_string(out, name);
    out.append(":{");
    size_t empty = out.size;
    for (const MarkName &sought : mark_names)
        append_marked_columns(out, relation.columns, row, sought);
    if (out.size == empty)
        out.size = start;
    else
        out.append_byte('}');
}

// The object without its closing brace, and whether it has members.
std::string_view open_object(std::string_view object, bool &has_members) {
    while (is_json_space(object.back())) object.remove_suffix(1);
    object.remove_suffix(1);
    has_members = false;
    for (char c : object) has_members |= c != '{' && !is_json_space(c);
    return object;
}

// The marks of a change that has some, as members.
void append_marks(Buffer &out, const Change &change) {
    append_marked_row(out, "before", *change.relation, change.before);
    append_marked_row(out, "after", *change.relation, change.after);
    if (!change.relation->raw_names) return;
    append_comma(out);
    out.append("\"names_escaped\":true");
}

} // namespace

bool is_marked(const Change &change, Marks marks) {
    return marks != 0 || change.relation->raw_names;
}

// Which columns are marked is found by rendering the rows once more.
void append_context_json(Buffer &out, std::string_view context, const Change &change, Marks marks) {
    if (context.empty()) context = "{}";
    if (!is_marked(change, marks)) return out.append(context);
    if (context.starts_with(reserved_start)) {
        out.append(reserved_start);
        append_marks(out, change);
        out.append_byte(',');
        return out.append(
            slice(context, reserved_start.size(), context.size() - reserved_start.size()));
    }
    // The member comes last: of two members of one name, jsonb keeps the last.
    bool has_members;
    out.append(open_object(context, has_members));
    if (has_members) out.append_byte(',');
    append_json_string(out, reserved_member);
    out.append(":{");
    append_marks(out, change);
    out.append("}}");
}

} // namespace waltrail::wire

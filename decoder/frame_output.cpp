#include "frame_output.hpp"

extern "C" {
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"
}

#include "server_text.hpp"
#include "session.hpp"

#include "wire/change_json.hpp"

#include <algorithm>

namespace waltrail {

namespace {

void append_output(StringInfo out, std::string_view bytes) {
    appendBinaryStringInfo(out, bytes.data(), static_cast<int>(bytes.size()));
}

void send_frame(void *owner, std::string_view header, std::string_view payload) {
    auto &session = *static_cast<Session *>(owner);
    OutputPluginPrepareWrite(session.decoding, session.ending);
    append_output(session.decoding->out, header);
    append_output(session.decoding->out, payload);
    OutputPluginWrite(session.decoding, session.ending);
    session.changes_since_write = 0;
}

// Valid JSON has line ends only between tokens, where json values and contexts may have brought them.
void join_lines(wire::Buffer &line) {
    std::replace_if(
        line.data, line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

wire::Change parse_change(const Session &session, std::string_view record) {
    wire::Cursor in(record);
    auto tag = static_cast<wire::RecordTag>(in.byte());
    wire::ChangeHeader header;
    wire::Change change = *session.rendering;
    change.before = session.rendering_entry->old_row.values;
    change.after = session.rendering_entry->new_row.values;
    wire::Problem problem = parse_change_header(in, tag, header);
    if (problem == nullptr)
        problem = parse_change_rows(in, tag, header, *change.relation, change.before, change.after);
    if (problem != nullptr) elog(ERROR, "could not read back an encoded change: %s", problem);
    return change;
}

void check_line(const wire::Buffer &line, const wire::Relation &relation) {
    constexpr size_t bytes_max = 1'000'000'000; // of a StringInfo, with what stands before the line
    if (line.size > bytes_max)
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                errmsg("a change of table \"%.*s\".\"%.*s\" is %zu bytes of JSON, more than a line "
                       "can have",
                       static_cast<int>(relation.schema.size()), relation.schema.data(),
                       static_cast<int>(relation.table.size()), relation.table.data(), line.size),
                errhint("Read it with the option \"format\" set to \"binary\"."));
}

void send_line(void *owner, std::string_view, std::string_view payload) {
    auto &session = *static_cast<Session *>(owner);
    wire::Change change = parse_change(session, payload);
    wire::ChangeSetting setting;
    setting.source = &session.source;
    setting.transaction = &session.transaction.about;
    setting.context = session.context.view();
    setting.database = session.source.database;
    setting.queued_at = {GetCurrentTimestamp()};
    session.line.clear();
    append_change_json(session.line, setting, change);
    join_lines(session.line);
    check_line(session.line, *change.relation);
    std::string_view text = utf8_to_server(session.line.view());
    OutputPluginPrepareWrite(session.decoding, true);
    append_output(session.decoding->out, text);
    OutputPluginWrite(session.decoding, true);
    session.changes_since_write = 0;
}

} // namespace

wire::FrameSink frame_output(Session &session) {
    bool is_json = session.options.format == Format::json;
    return {is_json ? send_line : send_frame, &session};
}

} // namespace waltrail

#include "capture/capture_settings.hpp"

extern "C" {
#include "postgres.h"

#include "utils/guc.h"
}

#include "capture/statement_comment.hpp"

#include "decoder/change_context.hpp"
#include "decoder/source_settings.hpp"

#include <algorithm>

namespace waltrail {

namespace {

// PostgreSQL keeps a setting's value in a static of its owner.
char *context = nullptr;
char *affix = nullptr;
bool actor = true;
void (*on_change)() = nullptr;

bool accept_context(char **value, void **, GucSource) {
    std::string_view text = *value;
    if (text.empty()) return true;
    if (text.size() > context_bytes_max) {
        GUC_check_errdetail("It has %zu bytes, at most %zu are recorded.", text.size(),
                            context_bytes_max);
        return false;
    }
    if (is_json_object(text)) return true;
    GUC_check_errdetail("The value is not a JSON object.");
    GUC_check_errhint("Write, for example, SET LOCAL waltrail.context = '{\"user_id\": 7}'.");
    return false;
}

void assign_context(const char *, void *) {
    if (on_change != nullptr) on_change();
}

void assign_actor(bool, void *) {
    if (on_change != nullptr) on_change();
}

// What stands in a comment beside it must not be taken for a part of it.
bool is_affix_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool accept_affix(char **value, void **, GucSource) {
    std::string_view text = *value;
    if (text.size() > comment_affix_bytes_max) {
        GUC_check_errdetail("It has %zu bytes, and may have at most %zu.", text.size(),
                            comment_affix_bytes_max);
        return false;
    }
    if (std::all_of(text.begin(), text.end(), is_affix_byte)) return true;
    GUC_check_errdetail("It may have letters of ASCII, digits and underscores.");
    return false;
}

} // namespace

void define_capture_settings(void (*changed)()) {
    on_change = changed;
    refuse_placeholder("waltrail.comment_affix");
    refuse_placeholder("waltrail.capture_actor");
    DefineCustomStringVariable(
        "waltrail.context", "Context of the changes that this session makes: a JSON object.",
        nullptr, &context, "", PGC_USERSET, 0, accept_context, assign_context, nullptr);
    DefineCustomStringVariable(
        "waltrail.comment_affix",
        "Word at both ends of a comment that holds a context, /*Bemi {…} Bemi*/.",
        "Empty: comments say nothing.", &affix, "Bemi", PGC_SUSET, 0, accept_affix, nullptr,
        nullptr);
    DefineCustomBoolVariable("waltrail.capture_actor",
                             "Whether changes are recorded with who made them.", nullptr, &actor,
                             true, PGC_SUSET, 0, nullptr, assign_actor, nullptr);
}

std::string_view context_setting() { return context; }
std::string_view comment_affix() { return affix; }
bool captures_actor() { return actor; }

} // namespace waltrail

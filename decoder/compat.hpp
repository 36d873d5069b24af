// What differs between PostgreSQL 15, 16, 17 and 18. No other file of decoder/ asks for PG_VERSION_NUM.
#pragma once

extern "C" {
#include "postgres.h"

#include "common/jsonapi.h"
#include "fmgr.h"
#include "replication/logical.h"
#include "replication/origin.h"
#include "replication/output_plugin.h"
#include "replication/reorderbuffer.h"
#include "utils/guc_tables.h"
}

// 15 leaves it empty outside Windows, so that -fvisibility=hidden would hide the entry points.
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

// 16 and later declare it in replication/output_plugin.h.
extern "C" PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *callbacks);
extern "C" PGDLLEXPORT void _PG_init(void);

namespace waltrail::compat {

// Since 16 the reorder buffer itself reports progress during long transactions (update_progress_txn).
inline constexpr bool server_reports_progress = PG_VERSION_NUM >= 160000;

inline constexpr int server_version = PG_VERSION_NUM;

#if PG_VERSION_NUM >= 170000
inline HeapTuple old_tuple(const ReorderBufferChange &change) { return change.data.tp.oldtuple; }
inline HeapTuple new_tuple(const ReorderBufferChange &change) { return change.data.tp.newtuple; }
#else
inline HeapTuple old_tuple(const ReorderBufferChange &change) {
    ReorderBufferTupleBuf *held = change.data.tp.oldtuple;
    return held == nullptr ? nullptr : &held->tuple;
}
inline HeapTuple new_tuple(const ReorderBufferChange &change) {
    ReorderBufferTupleBuf *held = change.data.tp.newtuple;
    return held == nullptr ? nullptr : &held->tuple;
}
#endif

// The setting, placeholders included; null where there is none of this name.
inline const config_generic *find_setting(const char *name) {
#if PG_VERSION_NUM >= 160000
    return find_option(name, false, true, 0);
#else
    config_generic **settings = get_guc_variables();
    for (int i = 0; i < GetNumConfigOptions(); i++)
        if (pg_strcasecmp(settings[i]->name, name) == 0) return settings[i];
    return nullptr;
#endif
}

// Whether `text` is valid JSON. Does not throw on invalid JSON; may on nesting beyond max_stack_depth.
inline bool is_json(char *text, int bytes, int encoding) {
#if PG_VERSION_NUM >= 170000
    JsonLexContext *lexer = makeJsonLexContextCstringLen(nullptr, text, bytes, encoding, false);
#else
    JsonLexContext *lexer = makeJsonLexContextCstringLen(text, bytes, encoding, false);
#endif
    return pg_parse_json(lexer, &nullSemAction) == JSON_SUCCESS;
}

} // namespace waltrail::compat

// What the source itself says of the trail, whatever a client asks: settings that only a superuser can make, in
// postgresql.conf, for a database or for a role.
//
// The library is seldom preloaded: when it defines its settings, PostgreSQL may already hold values for them as placeholders,
// which anyone could make. A placeholder made at the start of a connection has displaced the superuser's value for good.
// So a client that has made one is refused, whatever its value.
#pragma once

namespace waltrail {

// Once in a process, when the library is loaded.
void define_source_settings();

// An ERROR where somebody who is no superuser has made a placeholder for this setting, which must be asked before it is defined.
void refuse_placeholder(const char *name);

// Never null; empty where nothing is set.
struct SourceSettings {
    const char *exclude_tables;
    const char *exclude_columns;
    const char *mask_columns;
    const char *mask_key_file;
};

// As they are now. The lists of patterns are well formed: an ERROR otherwise.
SourceSettings source_settings();

} // namespace waltrail

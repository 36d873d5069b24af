// The model of a change that both ends of the stream share: plain structs that point into memory owned by someone else
// (a memory context in the server, an arena in the apply process). Everything here is trivially destructible, because
// inside the server a longjmp may skip any destructor.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

namespace waltrail::wire {

// A byte position in the WAL; 0 is invalid.
struct Lsn {
    uint64_t value = 0;
    friend constexpr auto operator<=>(Lsn, Lsn) = default;
};

// A 64-bit transaction id, equal to pg_current_xact_id() on the source.
struct Xid {
    uint64_t value = 0;
    friend constexpr auto operator<=>(Xid, Xid) = default;
};

// Microseconds since 2000-01-01 00:00:00 UTC, PostgreSQL's TimestampTz.
struct Timestamp {
    int64_t microseconds = 0;
    friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
};

// How a value is encoded; docs/wire_format.md lists the bytes. Numbers are part of the format.
enum class Kind : uint8_t {
    text = 0,
    boolean = 1,
    int2 = 2,
    int4 = 3,
    int8 = 4,
    float4 = 5,
    float8 = 6,
    numeric = 7,
    date = 8,
    time = 9,
    timetz = 10,
    timestamp = 11,
    timestamptz = 12,
    uuid = 13,
    bytea = 14,
    json = 15,
    jsonb = 16,
    array = 17,
    composite = 18,
};
inline constexpr uint8_t kind_max = 18;

struct Field;

struct Type {
    Kind kind = Kind::text;
    char delimiter = ',';            // array only: typdelim of the element
    uint32_t oid = 0;                // of the base type for a domain
    const Type *element = nullptr;   // array only
    std::span<const Field> fields{}; // composite only
};

// A field of a composite type. `json_name` is the name as a JSON member prefix: `"name":`.
struct Field {
    std::string_view name;
    std::string_view json_name;
    Type type;
};

struct Column {
    std::string_view name;
    std::string_view json_name; // `"name":`, see append_json_name()
    std::string_view type_name; // as format_type() writes it
    bool in_identity = false;   // part of the replica identity that the WAL logs for old rows
    bool generated = false;
    bool masked = false; // values are masks, whatever `type_name` says; `type` is text
    Type type;
};

// pg_class.relreplident
enum class ReplicaIdentity : char { by_default = 'd', nothing = 'n', full = 'f', index = 'i' };

struct Relation {
    uint32_t number = 0; // the number changes refer to, chosen by the encoder, small
    uint32_t oid = 0;
    std::string_view schema;
    std::string_view table;
    std::string_view root_schema; // topmost partitioned ancestor, or the table itself
    std::string_view root_table;
    ReplicaIdentity replica_identity = ReplicaIdentity::by_default;
    std::span<const Column> columns{};
    // Indexes into columns, in the order in which jsonb keeps their names (lengthCompareJsonbStringValue(): the shorter one
    // first). Of a relation that was read, not of one that is written.
    std::span<const uint16_t> jsonb_order{};
    // Indexes into columns, in primary key order; empty without a key.
    std::span<const uint16_t> key{};
    bool raw_names =
        false; // the name of the table, its root or a column is raw text, see raw_text.hpp
};

// Where the stream comes from; the first record of every session.
struct Source {
    uint64_t system_identifier = 0;
    uint32_t database_oid = 0;
    std::string_view database;
    uint32_t server_version = 0; // server_version_num
};

struct Transaction {
    Xid xid;
    Lsn commit_lsn; // where the commit record starts
    Lsn end_lsn;    // just past the commit record: where the next record may start
    Timestamp committed_at;
};

enum class Operation : uint8_t { insert = 0x10, update = 0x11, remove = 0x12, truncate = 0x13 };

// Which columns of the old row the WAL held.
enum class OldRow : uint8_t { none = 0, identity = 1, whole = 2 };

// One column's value in one row. `bytes` is the encoding by the column's kind, without a string's length prefix.
struct Value {
    enum class State : uint8_t { absent, null, present };
    State state = State::absent;
    bool same_as_old = false; // new rows only: equals the old row's value, and shares its bytes
    std::string_view bytes{};
    // The source could not write it as its kind; `bytes` are text: \x and the stored bytes in hexadecimal.
    bool unreadable = false;
};

inline constexpr Type text_type{};

// What the value's bytes are, in a column of the declared type.
inline const Type &type_of(const Value &value, const Type &declared) {
    return value.unreadable ? text_type : declared;
}

} // namespace waltrail::wire

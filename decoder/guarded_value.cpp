#include "guarded_value.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
}

#include "context_memory.hpp"
#include "masked_value.hpp"

namespace waltrail {

namespace {

// Text can be some 16 times as long as what is stored (bits, a polygon, a multirange).
constexpr size_t growing_bytes = size_t{32} << 20;
// Where there are numbers inside, some 13,000 times: '1e131071' is stored in ten bytes. This many stored bytes of a row are
// less than 500 MB of text, whatever they are.
constexpr size_t expanding_bytes = size_t{32} << 10;
// What all values of a row may have together that are much longer as text than they are stored.
constexpr size_t expanded_bytes_max = size_t{1} << 30;
constexpr size_t expansion_min = 16;

size_t raw_bytes(const TypeDescription &type, Datum value) {
    return type.length == -1 ? toast_raw_datum_size(value) : 0;
}

bool needs_encoding(const wire::Value &value) {
    return value.state == wire::Value::State::present && !value.same_as_old;
}

// A number by itself is at most 150 kB.
bool may_expand(const TypeDescription &type) { return type.expands && can_grow(type); }

size_t expanding_bytes_of(const RelationDescription &relation, const RowSpace &row) {
    size_t bytes = 0;
    for (size_t i = 0; i < relation.columns.size(); i++) {
        const ColumnReader &column = relation.columns[i];
        if (may_expand(column.type) && needs_encoding(row.values[i]))
            bytes += raw_bytes(column.type, row.datums[column.stored.attribute]);
    }
    return bytes;
}

bool needs_guard(const TypeDescription &type, Datum value, size_t expanding) {
    if (type.may_fail) return true;
    if (may_expand(type) && expanding >= expanding_bytes) return true;
    return can_grow(type) && raw_bytes(type, value) >= growing_bytes;
}

// `expanded` is what earlier values of the row have taken of the limit.
bool is_within_limit(const wire::Buffer &encoded, const TypeDescription &type, Datum value,
                     size_t &expanded) {
    if (encoded.size / expansion_min <= raw_bytes(type, value)) return true;
    expanded += encoded.size;
    return expanded <= expanded_bytes_max;
}

// An error that says nothing about the value: the next attempt may succeed, or somebody wants the session to end.
bool is_of_the_session(int sqlstate) {
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    return category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
           category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
           category == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR);
}

void append_travelling(ValueEncoder &encoder, wire::Buffer &out, const ColumnReader &column,
                       Datum value) {
    if (column.mask != nullptr)
        append_masked_value(encoder, out, column.type, value, *column.mask);
    else
        append_encoded_value(encoder, out, column.type, value);
}

// The message of an output function that is not the server's own may hold the value.
void raise_again(ErrorData *error, const ColumnReader &column) {
    if (column.mask != nullptr && column.type.may_fail)
        ereport(ERROR, errcode(error->sqlerrcode), errmsg("could not write a masked value"));
    ReThrowError(error);
}

// Whether the value was appended; `out` may hold a part of it otherwise.
bool try_append(ValueEncoder &encoder, wire::Buffer &out, const ColumnReader &column, Datum value) {
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    ErrorData *volatile error = nullptr;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context);
    PG_TRY();
    {
        append_travelling(encoder, out, column, value);
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
    }
    PG_END_TRY();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    if (error == nullptr) return true;
    if (is_of_the_session(error->sqlerrcode)) raise_again(error, column);
    FreeErrorData(error);
    return false;
}

std::string_view stored_bytes(const TypeDescription &type, const Datum &value) {
    if (type.by_value)
        return {reinterpret_cast<const char *>(&value), static_cast<size_t>(type.length)};
    const char *pointer = DatumGetPointer(value);
    if (type.length == -2) return pointer;
    if (type.length > 0) return {pointer, static_cast<size_t>(type.length)};
    varlena *plain = pg_detoast_datum_packed(reinterpret_cast<varlena *>(DatumGetPointer(value)));
    return {VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain)};
}

void append_hex(wire::Buffer &out, std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    out.reserve(bytes.size() * 2 + 16);
    out.append_varint(bytes.size() * 2 + 2);
    out.append("\\x");
    for (char byte : bytes) {
        out.append_byte(static_cast<uint8_t>(digits[static_cast<uint8_t>(byte) >> 4]));
        out.append_byte(static_cast<uint8_t>(digits[byte & 0x0F]));
    }
}

// A masked value's bytes do not travel either: the mask of their digits does.
void append_unreadable(wire::Buffer &out, const ColumnReader &column, Datum value) {
    out.release();
    append_hex(out, stored_bytes(column.type, value));
    if (column.mask == nullptr) return;
    wire::Buffer mask = buffer_in(CurrentMemoryContext);
    append_mask(mask, wire::Cursor(out.view()).string(), *column.mask);
    out.clear();
    out.append(mask.view());
}

} // namespace

bool guard_values(ValueEncoder &encoder, const RelationDescription &relation, RowSpace &row) {
    bool any_unreadable = false;
    size_t expanding = expanding_bytes_of(relation, row);
    size_t expanded = 0;
    for (size_t i = 0; i < relation.columns.size(); i++) {
        const ColumnReader &column = relation.columns[i];
        wire::Value &value = row.values[i];
        row.prepared[i] = {};
        if (!needs_encoding(value)) continue;
        Datum datum = row.datums[column.stored.attribute];
        if (!needs_guard(column.type, datum, expanding)) continue;
        wire::Buffer encoded = buffer_in(CurrentMemoryContext);
        if (!try_append(encoder, encoded, column, datum) ||
            !is_within_limit(encoded, column.type, datum, expanded)) {
            append_unreadable(encoded, column, datum);
            value.unreadable = any_unreadable = true;
        }
        row.prepared[i] = encoded.view();
    }
    return any_unreadable;
}

} // namespace waltrail

#include "guarded_value.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
}

#include "context_memory.hpp"
#include "masked_value.hpp"

namespace waltrail {

namespace {

// Text can be some 16 times as long as what is stored (bits, a polygon, a multirange).
constexpr size_t guarded_bytes = size_t{32} << 20;

bool needs_guard(const TypeDescription &type, Datum value) {
    if (type.may_fail) return true;
    return can_grow(type) && toast_raw_datum_size(value) >= guarded_bytes;
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
    out.clear();
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
    for (size_t i = 0; i < relation.columns.size(); i++) {
        const ColumnReader &column = relation.columns[i];
        wire::Value &value = row.values[i];
        row.prepared[i] = {};
        if (value.state != wire::Value::State::present || value.same_as_old) continue;
        Datum datum = row.datums[column.stored.attribute];
        if (!needs_guard(column.type, datum)) continue;
        wire::Buffer encoded = buffer_in(CurrentMemoryContext);
        if (!try_append(encoder, encoded, column, datum)) {
            append_unreadable(encoded, column, datum);
            value.unreadable = any_unreadable = true;
        }
        row.prepared[i] = encoded.view();
    }
    return any_unreadable;
}

} // namespace waltrail

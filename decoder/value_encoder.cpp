#include "value_encoder.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

#include "context_memory.hpp"
#include "numeric_text.hpp"
#include "server_text.hpp"

namespace waltrail {

namespace {

// Longer text is appended piecewise, so that it can leave in fragments.
constexpr size_t long_text_bytes = 65536;

// The reorder buffer hands over TOAST values that it has put together behind an indirect pointer; following it saves
// detoasting's copy of the whole value.
varlena *plain_varlena(Datum value) {
    auto *held = reinterpret_cast<varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL_INDIRECT(held)) {
        varatt_indirect indirect;
        VARATT_EXTERNAL_GET_POINTER(indirect, held);
        held = indirect.pointer;
    }
    return pg_detoast_datum_packed(held);
}

std::string_view varlena_bytes(Datum value) {
    varlena *plain = plain_varlena(value);
    return {VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain)};
}

std::string_view jsonb_text(ValueEncoder &encoder, Datum value) {
    varlena *plain = plain_varlena(value);
    if (VARATT_IS_SHORT(plain)) plain = pg_detoast_datum(plain); // an aligned copy
    resetStringInfo(&encoder.jsonb_text);
    auto *document = reinterpret_cast<Jsonb *>(plain);
    JsonbToCString(&encoder.jsonb_text, &document->root, static_cast<int>(VARSIZE(document)));
    return {encoder.jsonb_text.data, static_cast<size_t>(encoder.jsonb_text.len)};
}

std::string_view to_utf8(const ValueEncoder &encoder, std::string_view text) {
    return encoder.converts_text ? text_to_utf8(text) : text;
}

// The bytes of a value that travels as a string.
std::string_view string_bytes(ValueEncoder &encoder, const TypeDescription &type, Datum value) {
    switch (type.form) {
    case Form::bytes:
        return varlena_bytes(value);
    case Form::text:
        return to_utf8(encoder, varlena_bytes(value));
    case Form::name:
        return to_utf8(encoder, NameStr(*DatumGetName(value)));
    case Form::jsonb:
        return to_utf8(encoder, jsonb_text(encoder, value));
    default:
        return to_utf8(encoder, OutputFunctionCall(type.output, value));
    }
}

void append_value(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                  Datum value);

// The server's own limit of a value's text, for values that are encoded part by part. guarded_value.hpp says what becomes of
// those that pass it.
void check_size(const wire::Buffer &out) {
    constexpr size_t bytes_max = size_t{1} << 30;
    if (out.size > bytes_max)
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                errmsg("an array or a composite is longer than %zu bytes as text", bytes_max));
}

// Elements or fields in sequence: null bitmap, when there is one, at `bitmap` in `out`.
void append_items(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &element,
                  ArrayType *array, size_t count) {
    bool has_nulls = ARR_HASNULL(array);
    size_t bitmap = out.size + 1;
    out.append_byte(has_nulls ? 1 : 0);
    if (has_nulls) out.append_zeros(wire::bitmap_bytes(count));
    const bits8 *present = ARR_NULLBITMAP(array);
    char *at = ARR_DATA_PTR(array);
    for (size_t i = 0; i < count; i++) {
        if (present != nullptr && (present[i / 8] & (1 << (i % 8))) == 0) {
            wire::set_bit(out.data + bitmap, i);
            continue;
        }
        Datum item = fetch_att(at, element.by_value, element.length);
        append_value(encoder, out, element, item);
        check_size(out);
        at = att_addlength_pointer(at, element.length, at);
        at = reinterpret_cast<char *>(att_align_nominal(at, element.alignment));
    }
}

void append_array(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                  Datum value) {
    ArrayType *array = DatumGetArrayTypeP(PointerGetDatum(plain_varlena(value)));
    int dimensions = ARR_NDIM(array);
    out.append_varint(static_cast<uint64_t>(dimensions));
    for (int i = 0; i < dimensions; i++) {
        out.append_varint(static_cast<uint64_t>(ARR_DIMS(array)[i]));
        out.append_zigzag(ARR_LBOUND(array)[i]);
    }
    auto count = static_cast<size_t>(ArrayGetNItems(dimensions, ARR_DIMS(array)));
    append_items(encoder, out, *type.element, array, count);
}

void append_composite(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                      Datum value) {
    HeapTupleHeader header = DatumGetHeapTupleHeader(PointerGetDatum(plain_varlena(value)));
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    tuple.t_data = header;
    auto attributes = static_cast<size_t>(type.row->natts);
    auto datums = make_array<Datum>(CurrentMemoryContext, attributes);
    auto nulls = make_array<bool>(CurrentMemoryContext, attributes);
    heap_deform_tuple(&tuple, type.row, datums.data(), nulls.data());

    size_t bitmap = out.size;
    out.append_zeros(wire::bitmap_bytes(type.fields.size()));
    for (size_t i = 0; i < type.fields.size(); i++) {
        size_t attribute = type.field_attributes[i];
        if (nulls[attribute])
            wire::set_bit(out.data + bitmap, i);
        else
            append_value(encoder, out, type.fields[i], datums[attribute]);
        check_size(out);
    }
}

// Arrays and composites begin with the length of what follows, which is known afterwards.
void append_nested(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                   Datum value) {
    check_stack_depth();
    size_t start = out.size;
    out.append_zeros(sizeof(uint32_t));
    if (type.form == Form::array)
        append_array(encoder, out, type, value);
    else
        append_composite(encoder, out, type, value);
    auto length = static_cast<uint32_t>(out.size - start - sizeof(uint32_t));
    std::memcpy(out.data + start, &length, sizeof length);
}

void append_timetz(wire::Buffer &out, Datum value) {
    const TimeTzADT *time = DatumGetTimeTzADTP(value);
    out.append_zigzag(time->time);
    out.append_zigzag(time->zone);
}

void append_value(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                  Datum value) {
    switch (type.form) {
    case Form::boolean:
        return out.append_byte(DatumGetBool(value) ? 1 : 0);
    case Form::int2:
        return out.append_zigzag(DatumGetInt16(value));
    case Form::int4:
        return out.append_zigzag(DatumGetInt32(value));
    case Form::int8:
        return out.append_zigzag(DatumGetInt64(value));
    case Form::float4:
        return out.append_little_endian(DatumGetFloat4(value));
    case Form::float8:
        return out.append_little_endian(DatumGetFloat8(value));
    case Form::numeric:
        return append_numeric_text(out, plain_varlena(value));
    case Form::date:
        return out.append_zigzag(DatumGetDateADT(value));
    case Form::time:
        return out.append_zigzag(DatumGetTimeADT(value));
    case Form::timetz:
        return append_timetz(out, value);
    case Form::timestamp:
        return out.append_little_endian(static_cast<int64_t>(DatumGetInt64(value)));
    case Form::uuid:
        return out.append(DatumGetUUIDP(value)->data, UUID_LEN);
    case Form::array:
    case Form::composite:
        return append_nested(encoder, out, type, value);
    default:
        return out.append_string(string_bytes(encoder, type, value));
    }
}

bool is_string(Form form) { return form >= Form::bytes && form <= Form::output_function; }

} // namespace

ValueEncoder make_value_encoder(MemoryContext context) {
    ValueEncoder encoder;
    encoder.converts_text = text_needs_conversion();
    MemoryContext caller = MemoryContextSwitchTo(context);
    initStringInfo(&encoder.jsonb_text);
    MemoryContextSwitchTo(caller);
    return encoder;
}

void append_encoded_value(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                          Datum value) {
    append_value(encoder, out, type, value);
}

std::string_view value_bytes(ValueEncoder &encoder, const TypeDescription &type, Datum value) {
    if (is_string(type.form)) return string_bytes(encoder, type, value);
    wire::Buffer encoded = buffer_in(CurrentMemoryContext);
    append_value(encoder, encoded, type, value);
    wire::Cursor in(encoded.view());
    std::string_view bytes;
    if (wire::Problem problem = wire::parse_value(in, type.type, bytes))
        elog(ERROR, "could not read back an encoded value: %s", problem);
    return bytes;
}

void shrink(ValueEncoder &encoder) {
    constexpr int kept_bytes = 4 << 20;
    if (encoder.jsonb_text.maxlen <= kept_bytes) return;
    MemoryContext context = GetMemoryChunkContext(encoder.jsonb_text.data);
    pfree(encoder.jsonb_text.data);
    MemoryContext caller = MemoryContextSwitchTo(context);
    initStringInfo(&encoder.jsonb_text);
    MemoryContextSwitchTo(caller);
}

void append_column_value(ValueEncoder &encoder, wire::FrameWriter &out, const TypeDescription &type,
                         Datum value) {
    if (!is_string(type.form)) return append_value(encoder, out.payload, type, value);
    std::string_view bytes = string_bytes(encoder, type, value);
    if (bytes.size() < long_text_bytes) return out.payload.append_string(bytes);
    out.payload.append_varint(bytes.size());
    out.append_long(bytes);
}

} // namespace waltrail

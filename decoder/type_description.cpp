#include "type_description.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

#include "context_memory.hpp"
#include "dependencies.hpp"
#include "server_text.hpp"
#include "wire/json_render.hpp"

namespace waltrail {

namespace {

// wire/ refuses types nested deeper than 64; beyond this a composite travels as the text of its output function.
constexpr int nesting_max = 60;

struct CoreType {
    Oid oid;
    wire::Kind kind;
    Form form;
};

constexpr CoreType core_types[] = {
    {BOOLOID, wire::Kind::boolean, Form::boolean},
    {INT2OID, wire::Kind::int2, Form::int2},
    {INT4OID, wire::Kind::int4, Form::int4},
    {INT8OID, wire::Kind::int8, Form::int8},
    {FLOAT4OID, wire::Kind::float4, Form::float4},
    {FLOAT8OID, wire::Kind::float8, Form::float8},
    {NUMERICOID, wire::Kind::numeric, Form::numeric},
    {DATEOID, wire::Kind::date, Form::date},
    {TIMEOID, wire::Kind::time, Form::time},
    {TIMETZOID, wire::Kind::timetz, Form::timetz},
    {TIMESTAMPOID, wire::Kind::timestamp, Form::timestamp},
    {TIMESTAMPTZOID, wire::Kind::timestamptz, Form::timestamp},
    {UUIDOID, wire::Kind::uuid, Form::uuid},
    {BYTEAOID, wire::Kind::bytea, Form::bytes},
    {JSONOID, wire::Kind::json, Form::text},
    {JSONBOID, wire::Kind::jsonb, Form::jsonb},
    {TEXTOID, wire::Kind::text, Form::text},
    {VARCHAROID, wire::Kind::text, Form::text},
    {BPCHAROID, wire::Kind::text, Form::text},
    {NAMEOID, wire::Kind::text, Form::name},
};

// Types whose output function looks at no setting. Whatever is not known to be such a type gets the settings.
constexpr Oid independent_types[] = {
    OIDOID,     XIDOID,     XID8OID,     CIDOID,       TIDOID,       CHAROID,     INETOID,
    CIDROID,    MACADDROID, MACADDR8OID, BITOID,       VARBITOID,    PG_LSNOID,   TSVECTOROID,
    TSQUERYOID, XMLOID,     JSONPATHOID, INT4RANGEOID, INT8RANGEOID, NUMRANGEOID, UNKNOWNOID,
};

const CoreType *find_core_type(Oid type) {
    for (const CoreType &core : core_types)
        if (core.oid == type) return &core;
    return nullptr;
}

bool output_uses_settings(Oid type) {
    for (Oid independent : independent_types)
        if (independent == type) return false;
    return get_typtype(type) != TYPTYPE_ENUM;
}

bool output_may_fail(Oid declared, int depth);

bool field_output_may_fail(Oid composite, int depth) {
    TupleDesc row = lookup_rowtype_tupdesc(composite, -1);
    bool may_fail = false;
    for (int i = 0; i < row->natts && !may_fail; i++) {
        Form_pg_attribute attribute = TupleDescAttr(row, i);
        may_fail = !attribute->attisdropped && output_may_fail(attribute->atttypid, depth);
    }
    ReleaseTupleDesc(row);
    return may_fail;
}

// Whether an output function raises errors at values that the input function took: one that is not the server's own, or one that
// goes deeper into its recursion than the input did. Ranges, arrays and composites are written by the functions of their parts.
bool output_may_fail(Oid declared, int depth) {
    Oid type = getBaseType(declared);
    Oid function;
    bool is_varlena;
    getTypeOutputInfo(type, &function, &is_varlena);
    bool recurses = type == JSONPATHOID || type == TSQUERYOID;
    if (function >= FirstNormalObjectId || recurses || depth >= nesting_max) return true;
    if (Oid element = get_element_type(type); OidIsValid(element))
        return output_may_fail(element, depth + 1);
    switch (get_typtype(type)) {
    case TYPTYPE_COMPOSITE:
        return field_output_may_fail(type, depth + 1);
    case TYPTYPE_RANGE:
        return output_may_fail(get_range_subtype(type), depth + 1);
    case TYPTYPE_MULTIRANGE:
        return output_may_fail(get_multirange_range(type), depth + 1);
    default:
        return false;
    }
}

bool is_range(Oid type) {
    char kind = get_typtype(type);
    return kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE;
}

void describe_as_text(TypeDescription &described, Oid type) {
    Oid function;
    bool is_varlena;
    getTypeOutputInfo(type, &function, &is_varlena);
    described.form = Form::output_function;
    described.type.kind = wire::Kind::text;
    described.output = static_cast<FmgrInfo *>(palloc0(sizeof(FmgrInfo)));
    fmgr_info_cxt(function, described.output, CurrentMemoryContext);
    described.uses_settings = output_uses_settings(type);
    described.may_fail = output_may_fail(type, 0);
    described.expands = is_range(type);
}

void describe_array(TypeDescription &described, Oid element, Dependencies &dependencies,
                    int depth) {
    auto *of_element = make_array<TypeDescription>(CurrentMemoryContext, 1).data();
    *of_element = describe_type(element, dependencies, depth + 1);
    int16 length;
    bool by_value;
    char alignment, delimiter;
    Oid io_parameter, function;
    get_type_io_data(element, IOFunc_output, &length, &by_value, &alignment, &delimiter,
                     &io_parameter, &function);
    described.form = Form::array;
    described.type.kind = wire::Kind::array;
    described.type.delimiter = delimiter;
    described.type.element = &of_element->type;
    described.element = of_element;
    described.uses_settings = of_element->uses_settings;
    described.may_fail = of_element->may_fail;
    described.expands = of_element->expands;
}

void describe_composite(TypeDescription &described, Oid type, Dependencies &dependencies,
                        int depth) {
    dependencies.add_relation(get_typ_typrelid(type));
    TupleDesc shared = lookup_rowtype_tupdesc(type, -1);
    // With what a column that was added to a table says for the older rows: a value of the table's row type may be one.
    TupleDesc row = CreateTupleDescCopyConstr(shared);
    ReleaseTupleDesc(shared);

    auto count = static_cast<size_t>(row->natts);
    auto fields = make_array<wire::Field>(CurrentMemoryContext, count);
    auto descriptions = make_array<TypeDescription>(CurrentMemoryContext, count);
    auto attributes = make_array<uint16_t>(CurrentMemoryContext, count);
    wire::Arena names;
    names.allocator = context_allocator(CurrentMemoryContext);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        Form_pg_attribute attribute = TupleDescAttr(row, static_cast<int>(i));
        if (attribute->attisdropped) continue;
        descriptions[used] = describe_type(attribute->atttypid, dependencies, depth + 1);
        described.uses_settings |= descriptions[used].uses_settings;
        described.may_fail |= descriptions[used].may_fail;
        described.expands |= descriptions[used].expands;
        std::string_view name = names.copy(text_to_utf8(NameStr(attribute->attname)));
        fields[used] = {name, wire::json_name(name, names), descriptions[used].type};
        attributes[used++] = static_cast<uint16_t>(i);
    }
    described.form = Form::composite;
    described.type.kind = wire::Kind::composite;
    described.type.fields = fields.first(used);
    described.fields = descriptions.first(used);
    described.field_attributes = attributes.first(used);
    described.row = row;
}

} // namespace

TypeDescription describe_type(Oid declared, Dependencies &dependencies, int depth) {
    dependencies.add_type(declared);
    Oid type = getBaseType(declared);
    if (type != declared) dependencies.add_type(type);

    TypeDescription described;
    described.type.oid = type;
    get_typlenbyvalalign(type, &described.length, &described.by_value, &described.alignment);
    if (const CoreType *core = find_core_type(type)) {
        described.type.kind = core->kind;
        described.form = core->form;
        described.expands = core->form == Form::numeric || core->form == Form::jsonb;
    } else if (depth >= nesting_max) {
        describe_as_text(described, type);
    } else if (Oid element = get_element_type(type); OidIsValid(element)) {
        describe_array(described, element, dependencies, depth);
    } else if (get_typtype(type) == TYPTYPE_COMPOSITE) {
        describe_composite(described, type, dependencies, depth);
    } else {
        describe_as_text(described, type);
    }
    return described;
}

bool can_grow(const TypeDescription &type) {
    switch (type.form) {
    case Form::jsonb:
    case Form::output_function:
    case Form::array:
    case Form::composite:
        return type.length == -1;
    default:
        return false;
    }
}

bool may_need_guard(const TypeDescription &type) { return type.may_fail || can_grow(type); }

std::string_view type_name(Oid type, int32 modifier) {
    HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    bool is_core =
        HeapTupleIsValid(tuple) &&
        reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typnamespace == PG_CATALOG_NAMESPACE;
    if (HeapTupleIsValid(tuple)) ReleaseSysCache(tuple);
    bits16 flags = FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_ALLOW_INVALID;
    if (!is_core) flags |= FORMAT_TYPE_FORCE_QUALIFY;
    return text_to_utf8(format_type_extended(type, modifier, flags));
}

} // namespace waltrail

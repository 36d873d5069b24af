// Values whose text and JSON were taken from PostgreSQL 15 (TimeZone=UTC): `(sql)::text` and `to_json(sql)`. The types that
// the expressions name are made by `known_types`.
#pragma once

#include "tests/unit/encoded_value.hpp"

#include <limits>

namespace waltrail::wire {

inline constexpr const char *known_types =
    "CREATE TYPE pair AS (a int4, b text);"
    "CREATE TYPE nest AS (p pair, xs int4[], \"t\"\"q\" bool, e text);"
    "CREATE TYPE lone AS (a text);";

struct KnownValue {
    const char *sql;
    Type type;
    std::string bytes;
    std::string text; // as value::text gives it
    std::string json;
};

// Types that values of the table share.
struct KnownTypes {
    Type int2 = scalar(Kind::int2, 21);
    Type int4 = scalar(Kind::int4, 23);
    Type text = scalar(Kind::text, 25);
    Type boolean = scalar(Kind::boolean, 16);
    Type box = scalar(Kind::text, 603);
    Type stamp = scalar(Kind::timestamptz, 1184);
    Type bytea = scalar(Kind::bytea, 17);
    Type float8 = scalar(Kind::float8, 701);
    Type numeric = scalar(Kind::numeric, 1700);
    Type jsonb = scalar(Kind::jsonb, 3802);
    Type ints = array_type(int4), texts = array_type(text), int2vector = array_type(int2, ',', 22);
    std::array<Field, 2> pair_fields{{{"a", "\"a\":", int4}, {"b", "\"b\":", text}}};
    Type pair = composite_type(pair_fields);
    std::array<Field, 4> nest_fields{{{"p", "\"p\":", pair},
                                      {"xs", "\"xs\":", ints},
                                      {"t\"q", "\"t\\\"q\":", boolean},
                                      {"e", "\"e\":", text}}};
    Type nest = composite_type(nest_fields);
    std::array<Field, 1> lone_fields{{{"a", "\"a\":", text}}};
    Type lone = composite_type(lone_fields);
};

inline const KnownTypes &types() {
    static const KnownTypes types;
    return types;
}

inline std::vector<KnownValue> known_scalars() {
    auto whole = [](Kind kind, uint32_t oid) { return scalar(kind, oid); };
    Type boolean = whole(Kind::boolean, 16), int2 = whole(Kind::int2, 21),
         int4 = whole(Kind::int4, 23);
    Type int8 = whole(Kind::int8, 20), uuid = whole(Kind::uuid, 2950),
         bytea = whole(Kind::bytea, 17);
    Type text = whole(Kind::text, 25), bpchar = whole(Kind::text, 1042),
         inet = whole(Kind::text, 869);
    Type json = whole(Kind::json, 114), jsonb = whole(Kind::jsonb, 3802);
    return {
        {"true", boolean, "\1", "true", "true"},
        {"false", boolean, "\0"_bytes, "false", "false"},
        {"int2 '-32768'", int2, zigzag(-32'768), "-32768", "-32768"},
        {"int4 '0'", int4, zigzag(0), "0", "0"},
        {"int4 '2147483647'", int4, zigzag(2'147'483'647), "2147483647", "2147483647"},
        {"int8 '-9223372036854775808'", int8, zigzag(std::numeric_limits<int64_t>::min()),
         "-9223372036854775808", "-9223372036854775808"},
        {"int8 '9223372036854775807'", int8, zigzag(std::numeric_limits<int64_t>::max()),
         "9223372036854775807", "9223372036854775807"},
        {"uuid '00112233-4455-6677-8899-aabbccddeeff'", uuid,
         "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"_bytes,
         "00112233-4455-6677-8899-aabbccddeeff", R"("00112233-4455-6677-8899-aabbccddeeff")"},
        {"bytea ''", bytea, "", R"(\x)", R"("\\x")"},
        {R"(bytea '\x00ff5c22')", bytea, "\x00\xff\x5c\x22"_bytes, R"(\x00ff5c22)",
         R"("\\x00ff5c22")"},
        {"text ''", text, "", "", R"("")"},
        {R"(U&'q" \\ / \+01F600 \00e4')", text, "q\" \\ / \xF0\x9F\x98\x80 \xC3\xA4",
         "q\" \\ / \xF0\x9F\x98\x80 \xC3\xA4", "\"q\\\" \\\\ / \xF0\x9F\x98\x80 \xC3\xA4\""},
        {R"(E'\x01\b\t\n\x0b\f\r\x1f\x7f')", text, "\x01\b\t\n\x0b\f\r\x1f\x7f",
         "\x01\b\t\n\x0b\f\r\x1f\x7f", "\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\""},
        {"bpchar 'ab   '", bpchar, "ab   ", "ab", R"("ab   ")"},
        {"bpchar '  '", bpchar, "  ", "", R"("  ")"},
        {"inet '10.0.0.1'", inet, "10.0.0.1", "10.0.0.1/32", R"("10.0.0.1")"},
        {"inet '10.0.0.1/8'", inet, "10.0.0.1/8", "10.0.0.1/8", R"("10.0.0.1/8")"},
        {"inet '::1'", inet, "::1", "::1/128", R"("::1")"},
        {R"(json '{"b": [1, {"a":null}],  "b":2}')", json, R"({"b": [1, {"a":null}],  "b":2})",
         R"({"b": [1, {"a":null}],  "b":2})", R"({"b": [1, {"a":null}],  "b":2})"},
        {R"(jsonb '"s"')", jsonb, R"("s")", R"("s")", R"("s")"},
        {"jsonb 'null'", jsonb, "null", "null", "null"},
    };
}

inline std::vector<KnownValue> known_numbers() {
    Type float4 = scalar(Kind::float4, 700), float8 = scalar(Kind::float8, 701),
         numeric = scalar(Kind::numeric, 1700);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {
        {"float8 '0'", float8, fixed(0.0), "0", "0"},
        {"float8 '-0'", float8, fixed(-0.0), "-0", "-0"},
        {"float8 '0.1'", float8, fixed(0.1), "0.1", "0.1"},
        {"float8 '1e23'", float8, fixed(1e23), "9.999999999999999e+22", "9.999999999999999e+22"},
        {"float8 '9007199254740993'", float8, fixed(9007199254740993.0), "9.007199254740992e+15",
         "9.007199254740992e+15"},
        {"float8 '100000000000000'", float8, fixed(1e14), "100000000000000", "100000000000000"},
        {"float8 '1e15'", float8, fixed(1e15), "1e+15", "1e+15"},
        {"float8 '0.0001'", float8, fixed(1e-4), "0.0001", "0.0001"},
        {"float8 '0.00001'", float8, fixed(1e-5), "1e-05", "1e-05"},
        {"float8 '5e-324'", float8, fixed(5e-324), "5e-324", "5e-324"},
        {"float8 '1.7976931348623157e308'", float8, fixed(1.7976931348623157e308),
         "1.7976931348623157e+308", "1.7976931348623157e+308"},
        {"float8 'NaN'", float8, fixed(nan), "NaN", R"("NaN")"},
        {"float8 'Infinity'", float8, fixed(infinity), "Infinity", R"("Infinity")"},
        {"float8 '-Infinity'", float8, fixed(-infinity), "-Infinity", R"("-Infinity")"},
        {"float4 '0.1'", float4, fixed(0.1f), "0.1", "0.1"},
        {"float4 '-0'", float4, fixed(-0.0f), "-0", "-0"},
        {"float4 '16777216'", float4, fixed(16777216.0f), "1.6777216e+07", "1.6777216e+07"},
        {"float4 '1e-45'", float4, fixed(1e-45f), "1e-45", "1e-45"},
        {"float4 '3.4028235e38'", float4, fixed(3.4028235e38f), "3.4028235e+38", "3.4028235e+38"},
        {"float4 'NaN'", float4, fixed(static_cast<float>(nan)), "NaN", R"("NaN")"},
        {"float4 '-Infinity'", float4, fixed(static_cast<float>(-infinity)), "-Infinity",
         R"("-Infinity")"},
        {"numeric '-0.500'", numeric, "-0.500", "-0.500", "-0.500"},
        {"numeric '1e30'", numeric, "1000000000000000000000000000000",
         "1000000000000000000000000000000", "1000000000000000000000000000000"},
        {"numeric '123456789012345678901234567890.123456789'", numeric,
         "123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789",
         "123456789012345678901234567890.123456789"},
        {"numeric 'NaN'", numeric, "NaN", "NaN", R"("NaN")"},
        {"numeric 'Infinity'", numeric, "Infinity", "Infinity", R"("Infinity")"},
        {"numeric '-Infinity'", numeric, "-Infinity", "-Infinity", R"("-Infinity")"},
    };
}

inline std::vector<KnownValue> known_times() {
    Type date = scalar(Kind::date, 1082), time = scalar(Kind::time, 1083),
         timetz = scalar(Kind::timetz, 1266);
    Type stamp = scalar(Kind::timestamp, 1114), stamptz = scalar(Kind::timestamptz, 1184);
    constexpr int64_t least = std::numeric_limits<int64_t>::min(),
                      most = std::numeric_limits<int64_t>::max();
    constexpr int64_t noon = 43'200'000'000;
    return {
        {"date '2000-01-01'", date, zigzag(0), "2000-01-01", R"("2000-01-01")"},
        {"date '1999-12-31'", date, zigzag(-1), "1999-12-31", R"("1999-12-31")"},
        {"date '2000-02-29'", date, zigzag(59), "2000-02-29", R"("2000-02-29")"},
        {"date '0001-01-01'", date, zigzag(-730'119), "0001-01-01", R"("0001-01-01")"},
        {"date '0001-12-31 BC'", date, zigzag(-730'120), "0001-12-31 BC", R"("0001-12-31 BC")"},
        {"date '0044-03-15 BC'", date, zigzag(-746'117), "0044-03-15 BC", R"("0044-03-15 BC")"},
        {"date '4714-11-24 BC'", date, zigzag(-2'451'545), "4714-11-24 BC", R"("4714-11-24 BC")"},
        {"date '9999-12-31'", date, zigzag(2'921'939), "9999-12-31", R"("9999-12-31")"},
        {"date '10000-01-01'", date, zigzag(2'921'940), "10000-01-01", R"("10000-01-01")"},
        {"date '5874897-12-31'", date, zigzag(2'145'031'948), "5874897-12-31",
         R"("5874897-12-31")"},
        {"date 'infinity'", date, zigzag(2'147'483'647), "infinity", R"("infinity")"},
        {"date '-infinity'", date, zigzag(-2'147'483'648), "-infinity", R"("-infinity")"},
        {"time '00:00'", time, zigzag(0), "00:00:00", R"("00:00:00")"},
        {"time '00:00:00.000001'", time, zigzag(1), "00:00:00.000001", R"("00:00:00.000001")"},
        {"time '12:00:00.25'", time, zigzag(noon + 250'000), "12:00:00.25", R"("12:00:00.25")"},
        {"time '23:59:59.999999'", time, zigzag(2 * noon - 1), "23:59:59.999999",
         R"("23:59:59.999999")"},
        {"time '24:00:00'", time, zigzag(2 * noon), "24:00:00", R"("24:00:00")"},
        {"timetz '12:00:00+00'", timetz, zigzag(noon) + zigzag(0), "12:00:00+00",
         R"("12:00:00+00")"},
        {"timetz '12:00:00-08'", timetz, zigzag(noon) + zigzag(28'800), "12:00:00-08",
         R"("12:00:00-08")"},
        {"timetz '12:00:00.5+05:30'", timetz, zigzag(noon + 500'000) + zigzag(-19'800),
         "12:00:00.5+05:30", R"("12:00:00.5+05:30")"},
        {"timetz '12:00:00+05:30:15'", timetz, zigzag(noon) + zigzag(-19'815), "12:00:00+05:30:15",
         R"("12:00:00+05:30:15")"},
        {"timetz '24:00:00-15:59:59'", timetz, zigzag(2 * noon) + zigzag(57'599),
         "24:00:00-15:59:59", R"("24:00:00-15:59:59")"},
        {"timetz '12:00:00+00:00:07'", timetz, zigzag(noon) + zigzag(-7), "12:00:00+00:00:07",
         R"("12:00:00+00:00:07")"},
        {"timestamp '2000-01-01 00:00:00.1'", stamp, fixed(int64_t{100'000}),
         "2000-01-01 00:00:00.1", R"("2000-01-01T00:00:00.1")"},
        {"timestamp '0044-03-15 12:00:00.5 BC'", stamp, fixed(int64_t{-64'464'465'599'500'000}),
         "0044-03-15 12:00:00.5 BC", R"("0044-03-15T12:00:00.5 BC")"},
        {"timestamp 'infinity'", stamp, fixed(most), "infinity", R"("infinity")"},
        {"timestamptz '2000-01-01 00:00:00+00'", stamptz, fixed(int64_t{0}),
         "2000-01-01 00:00:00+00", R"("2000-01-01T00:00:00+00:00")"},
        {"timestamptz '1999-12-31 23:59:59.999999+00'", stamptz, fixed(int64_t{-1}),
         "1999-12-31 23:59:59.999999+00", R"("1999-12-31T23:59:59.999999+00:00")"},
        {"timestamptz '2024-05-06 07:08:09.012300+02'", stamptz,
         fixed(int64_t{768'287'289'012'300}), "2024-05-06 05:08:09.0123+00",
         R"("2024-05-06T05:08:09.0123+00:00")"},
        {"timestamptz '0044-03-15 12:00:00.5+00 BC'", stamptz,
         fixed(int64_t{-64'464'465'599'500'000}), "0044-03-15 12:00:00.5+00 BC",
         R"("0044-03-15T12:00:00.5+00:00 BC")"},
        {"timestamptz '4714-11-24 00:00:00+00 BC'", stamptz,
         fixed(int64_t{-211'813'488'000'000'000}), "4714-11-24 00:00:00+00 BC",
         R"("4714-11-24T00:00:00+00:00 BC")"},
        {"timestamptz '10000-01-01 00:00:00+00'", stamptz, fixed(int64_t{252'455'616'000'000'000}),
         "10000-01-01 00:00:00+00", R"("10000-01-01T00:00:00+00:00")"},
        {"timestamptz '294276-12-31 23:59:59.999999+00'", stamptz,
         fixed(int64_t{9'223'371'331'199'999'999}), "294276-12-31 23:59:59.999999+00",
         R"("294276-12-31T23:59:59.999999+00:00")"},
        {"timestamptz 'infinity'", stamptz, fixed(most), "infinity", R"("infinity")"},
        {"timestamptz '-infinity'", stamptz, fixed(least), "-infinity", R"("-infinity")"},
    };
}

inline std::vector<KnownValue> known_arrays() {
    const KnownTypes &t = types();
    auto one = [](int64_t number) { return Item(zigzag(number)); };
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return {
        {"'{}'::int4[]", t.ints, array_of(t.int4, {}, {}), "{}", "[]"},
        {"'{1,NULL,3}'::int4[]", t.ints, array_of(t.int4, {{3}}, {one(1), {}, one(3)}),
         "{1,NULL,3}", "[1,null,3]"},
        {"'{NULL}'::int4[]", t.ints, array_of(t.int4, {{1}}, {{}}), "{NULL}", "[null]"},
        {"'{{1,2},{3,4},{5,NULL}}'::int4[]", t.ints,
         array_of(t.int4, {{3}, {2}}, {one(1), one(2), one(3), one(4), one(5), {}}),
         "{{1,2},{3,4},{5,NULL}}", "[[1,2],[3,4],[5,null]]"},
        {"'{{{1},{2}}}'::int4[]", t.ints, array_of(t.int4, {{1}, {2}, {1}}, {one(1), one(2)}),
         "{{{1},{2}}}", "[[[1],[2]]]"},
        {"'[0:1]={1,2}'::int4[]", t.ints, array_of(t.int4, {{2, 0}}, {one(1), one(2)}),
         "[0:1]={1,2}", "[1,2]"},
        {"'1 2'::int2vector", t.int2vector, array_of(t.int2, {{2, 0}}, {one(1), one(2)}), "1 2",
         "[1,2]"},
        {"''::int2vector", t.int2vector, array_of(t.int2, {{0, 0}}, {}), "", "[]"},
        {"'[1:1][-2:-1]={{1,2}}'::int4[]", t.ints,
         array_of(t.int4, {{1, 1}, {2, -2}}, {one(1), one(2)}), "[1:1][-2:-1]={{1,2}}", "[[1,2]]"},
        {R"(ARRAY['', 'null', 'NuLl', 'nulls', 'a b', 'a,b', 'q"', E'\\', '{', '}', '(', ';', E'\x0b', 'x'])",
         t.texts,
         array_of(t.text, {{14}},
                  {"", "null", "NuLl", "nulls", "a b", "a,b", "q\"", "\\", "{", "}", "(", ";", "\v",
                   "x"}),
         "{\"\",\"null\",\"NuLl\",nulls,\"a "
         "b\",\"a,b\",\"q\\\"\",\"\\\\\",\"{\",\"}\",(,;,\"\v\",x}",
         R"(["","null","NuLl","nulls","a b","a,b","q\"","\\","{","}","(",";","\u000b","x"])"},
        {"'{t,NULL,f}'::bool[]", array_type(t.boolean),
         array_of(t.boolean, {{3}}, {"\1", {}, "\0"_bytes}), "{t,NULL,f}", "[true,null,false]"},
        {"'{(1,1),(0,0);(3,3),(2,2)}'::box[]", array_type(t.box, ';'),
         array_of(t.box, {{2}}, {"(1,1),(0,0)", "(3,3),(2,2)"}), "{(1,1),(0,0);(3,3),(2,2)}",
         R"j(["(1,1),(0,0)","(3,3),(2,2)"])j"},
        {"'{2000-01-01 00:00:00+00,-infinity}'::timestamptz[]", array_type(t.stamp),
         array_of(t.stamp, {{2}}, {fixed(int64_t{0}), fixed(std::numeric_limits<int64_t>::min())}),
         R"({"2000-01-01 00:00:00+00",-infinity})", R"(["2000-01-01T00:00:00+00:00","-infinity"])"},
        {R"(ARRAY[bytea '\x00ff'])", array_type(t.bytea),
         array_of(t.bytea, {{1}}, {"\x00\xff"_bytes}), R"({"\\x00ff"})", R"(["\\x00ff"])"},
        {"'{1.5,NaN,-Infinity}'::float8[]", array_type(t.float8),
         array_of(t.float8, {{3}},
                  {fixed(1.5), fixed(std::numeric_limits<double>::quiet_NaN()), fixed(-infinity)}),
         "{1.5,NaN,-Infinity}", R"([1.5,"NaN","-Infinity"])"},
        {"'{1.50,NaN}'::numeric[]", array_type(t.numeric),
         array_of(t.numeric, {{2}}, {"1.50", "NaN"}), "{1.50,NaN}", R"([1.50,"NaN"])"},
        {R"(ARRAY[jsonb '{"a": 1}'])", array_type(t.jsonb),
         array_of(t.jsonb, {{1}}, {R"({"a": 1})"}), R"({"{\"a\": 1}"})", R"([{"a": 1}])"},
        {R"(ARRAY[(1,'x y')::pair, NULL, (NULL,NULL)::pair])", array_type(t.pair),
         array_of(t.pair, {{3}},
                  {composite_of(t.pair_fields, {zigzag(1), "x y"}),
                   {},
                   composite_of(t.pair_fields, {{}, {}})}),
         R"j({"(1,\"x y\")",NULL,"(,)"})j", R"([{"a":1,"b":"x y"},null,{"a":null,"b":null}])"},
    };
}

inline std::vector<KnownValue> known_composites() {
    const KnownTypes &t = types();
    auto pair = [&](const Items &items) { return composite_of(t.pair_fields, items); };
    auto lone = [&](const Item &item) { return composite_of(t.lone_fields, {item}); };
    std::string xs = array_of(t.int4, {{2}}, {zigzag(1), zigzag(2)});
    return {
        {"(1,'x')::pair", t.pair, pair({zigzag(1), "x"}), "(1,x)", R"({"a":1,"b":"x"})"},
        {"(NULL,NULL)::pair", t.pair, pair({{}, {}}), "(,)", R"({"a":null,"b":null})"},
        {"(NULL,'')::pair", t.pair, pair({{}, ""}), R"((,""))", R"({"a":null,"b":""})"},
        {"ROW('a,b')::lone", t.lone, lone("a,b"), R"(("a,b"))", R"({"a":"a,b"})"},
        {"ROW('a b')::lone", t.lone, lone("a b"), R"(("a b"))", R"({"a":"a b"})"},
        {"ROW('(')::lone", t.lone, lone("("), R"(("("))", R"({"a":"("})"},
        {"ROW('{}')::lone", t.lone, lone("{}"), "({})", R"({"a":"{}"})"},
        {"ROW('null')::lone", t.lone, lone("null"), "(null)", R"({"a":"null"})"},
        {R"(ROW('q"\')::lone)", t.lone, lone("q\"\\"), R"(("q""\\"))", R"({"a":"q\"\\"})"},
        {R"(((1,'x "y"')::pair, '{1,2}', true, NULL)::nest)", t.nest,
         composite_of(t.nest_fields, {pair({zigzag(1), "x \"y\""}), xs, "\1", {}}),
         R"re(("(1,""x """"y"""""")","{1,2}",t,))re",
         R"({"p":{"a":1,"b":"x \"y\""},"xs":[1,2],"t\"q":true,"e":null})"},
    };
}

} // namespace waltrail::wire

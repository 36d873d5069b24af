"""Input texts of the base types: the boundaries, the specials, and random ones, from a seeded generator.

A function here takes a random.Random and returns the text of one value as the type's input function reads it under
DateStyle ISO and lc_monetary C. Not every text need be accepted: the server is asked, and counted (see random_types.py).
"""

import json
import math
import struct

LONG_BYTES_MAX = 120_000


def one_of(*texts):
    return lambda rng: rng.choice(texts)


def mixed(specials, generate, share=0.5):
    """One of the specials, or a random one."""
    return lambda rng: rng.choice(specials) if rng.random() < share else generate(rng)


# -- numbers ---------------------------------------------------------------------------------------------------------


def integers(bits, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    specials = [str(value) for value in (low, low + 1, high, high - 1, 0, 1, 9, 10, 99, 100, 127, 128, 16383, 16384, 32767)]
    if signed:
        specials += ["-1", "-64", "-65", "-128"]

    def generate(rng):
        magnitude = rng.getrandbits(rng.randint(1, bits - 1))
        return str(-magnitude if signed and rng.random() < 0.5 else magnitude)

    return mixed(specials, generate)


FLOATS = ["NaN", "Infinity", "-Infinity", "0", "-0", "1", "0.1", "1e15", "1e16", "123456789012345680", "1e-4", "1e-5", "0.3", "1e21",
          "1e22", "1e23", "-1.5", "9007199254740993", "16777217", "2.5e-1", "1e5", "1e6", "1e-6", "1e-7"]  # fmt: skip


def float4(rng):
    if rng.random() < 0.4:
        return rng.choice([*FLOATS, "1e-45", "1.4e-45", "3.4028235e38", "-3.4028235e38", "1.17549435e-38", "33554432", "8.5899346e9"])
    value = struct.unpack("f", struct.pack("I", rng.getrandbits(32)))[0]
    return "NaN" if math.isnan(value) else repr(value)


def float8(rng):
    if rng.random() < 0.4:
        return rng.choice([*FLOATS, "5e-324", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308", "9.5367431640625e-7"])
    value = struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0]
    return "NaN" if math.isnan(value) else repr(value)


NUMERICS = ["NaN", "Infinity", "-Infinity", "0", "0.0", "0.00000000", "-0.0", "1.10", "1.1", "10000", "9999", "99999999", "0.0001",
            "0.00010000", "0.00001", "-0.1", "100000000", "1e20", "1e-20", "1e100", "1.000e-100", "12345678.87654321", "-1e4", "1e8",
            "0.99999", "99990000", "10000.0001"]  # fmt: skip


def numeric(rng):
    if rng.random() < 0.4:
        return rng.choice(NUMERICS)
    digits = "".join(rng.choice("0000123456789") for _ in range(rng.choice((1, 3, 4, 5, 8, 9, 17, 40))))
    fraction = "".join(rng.choice("0000123456789") for _ in range(rng.choice((0, 0, 1, 2, 4, 5, 12, 50))))
    text = digits + ("." + fraction if fraction else "")
    return ("-" if rng.random() < 0.5 else "") + text


def long_numeric(rng):
    return rng.choice(["1e131071", "1e-16383", "-1e-16383", "9" * 4000 + "." + "9" * 4000, "1e20000", "-" + "1234" * 3000,
                       "0." + "0" * 16382 + "1", "0." + "0" * 16383])  # fmt: skip


def small_numeric(digits_before, digits_after):
    """Fits numeric(before + after, after)."""

    def generate(rng):
        if rng.random() < 0.15:
            return "NaN"
        scale = 10**digits_before
        text = str(rng.randrange(scale)) if scale > 1 else "0"
        if digits_after > 0:
            text += "." + "".join(rng.choice("00123459") for _ in range(digits_after - 1)) + rng.choice(["", "4"])
        return ("-" if rng.random() < 0.5 else "") + text.rstrip(".")

    return generate


def money(rng):
    if rng.random() < 0.3:
        return rng.choice(["0", "0.01", "-0.01", "92233720368547758.07", "-92233720368547758.08", "1000", "-1234567.89", "$1,000.00"])
    return f"{rng.uniform(-1, 1) * 10 ** rng.randint(0, 14):.2f}"


# -- text ------------------------------------------------------------------------------------------------------------

CHARACTERS = ["a", "Z", "0", " ", "  ", "\t", "\n", "\r", "\b", "\f", "\v", "\x01", "\x1f", "\x7f", '"', '""', "'", "''", "\\", "\\\\", "/",
              "{", "}", "(", ")", "[", "]", ",", ";", ":", "%", "$1", "NULL", "null", "\\u0000", "\\N", "\\.", "é", "ß", "İ", "中", "\u2028",
              "\u0080", "\u00a0", "\ufeff", "\ufffd", "\uffff", "\U00010000", "\U0010ffff", "😀", "e\u0301", "<", "&", "--", "/*"]  # fmt: skip
TEXTS = ["", " ", "NULL", "null", "{}", "()", "[]", '"', "\\", "\\x", "true", "0", "{a,b}", "(1,)", '{"a": 1}', "\n", "a b", "%s", "$$"]


def text(rng):
    if rng.random() < 0.2:
        return rng.choice(TEXTS)
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.choice((1, 2, 5, 12, 30))))


def long_text(rng):
    size = rng.choice((1900, 2100, 8000, 9000, 60_000, LONG_BYTES_MAX))
    if rng.random() < 0.5:
        return (text(rng) + "x") * (size // 40 + 1)
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyzéß0123456789\"\\\n", k=size))


def words(rng):
    """Characters that input functions of lists (tsvector, ltree …) take without quotes."""
    return "".join(rng.choice("abcXYZ019_") for _ in range(rng.randint(1, 8)))


def characters_max(count):
    def generate(rng):
        value = text(rng)[: rng.randint(0, count)]
        return value + " " * rng.choice((0, 0, 1, 3)) if len(value) + 3 <= count else value

    return generate


def single_byte(rng):
    return rng.choice(["", "a", " ", '"', "\\", "'", "\n", "\\200", "\\377", "\\001", "é", "{", ",", "NULL"])


def name(rng):
    return rng.choice([text(rng), "n" * 63, "n" * 64, "é" * 32, "pg_catalog"])


def bytea(rng):
    return "\\x" + rng.randbytes(rng.choice((0, 1, 2, 16, 40))).hex()


def long_bytea(rng):
    return "\\x" + rng.choice((rng.randbytes, bytes))(rng.choice((2000, 2100, 9000, 60_000))).hex()


def bits(count):
    return lambda rng: "".join(rng.choice("01") for _ in range(count))


def varbits(rng):
    return "".join(rng.choice("01") for _ in range(rng.choice((0, 1, 7, 8, 9, 64))))


XML = ["", "text", "<a/>", "<a></a>", '<?xml version="1.0"?><a/>', '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><a>é</a>', "<a>&lt;&amp;</a>",
       "<![CDATA[ <raw> ]]>", "<!-- c --><a b='1' c=\"2\">x</a>", "<a>\n\t<b/>\n</a>", '<?xml version="1.1"?><a/>', "a<b/>c"]  # fmt: skip

# -- dates and times -------------------------------------------------------------------------------------------------

DATES = ["4714-11-24 BC", "4713-01-01 BC", "5874897-12-31", "infinity", "-infinity", "0001-01-01", "0001-12-31 BC", "0001-01-01 BC",
         "0004-02-29 BC", "0005-02-28 BC", "2000-02-29", "2000-01-01", "1999-12-31", "1900-03-01", "1970-01-01", "9999-12-31",
         "10000-01-01", "99999-06-15", "100000-01-01", "1582-10-15", "0000-01-01", "epoch"]  # fmt: skip
TIMES = ["00:00", "24:00:00", "23:59:59.999999", "23:59:60", "12:34:56.7", "00:00:00.000001", "01:02:03.100", "09:09:09"]
ZONES = ["Z", "+00", "+05:30", "-03:30", "+14", "-12", "+15:59:59", "-15:59:59", "+01:23:45", "-00:00:01", "+00:01"]
TIMESTAMPS = ["4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity", "1999-12-31 23:59:59.999999",
              "2000-01-01 00:00:00", "2000-01-01 00:00:00.000001", "0001-01-01 00:00:00 BC", "0001-12-31 23:59:59.999999 BC",
              "9999-12-31 24:00:00", "10000-01-01 00:00:00", "1969-12-31 23:59:59.5", "294276-01-01 00:00:00"]  # fmt: skip


def date(rng):
    if rng.random() < 0.4:
        return rng.choice(DATES[:-2] + ["epoch"])
    year = rng.choice((rng.randint(1, 4713), rng.randint(1900, 2100), rng.randint(1, 290_000)))
    era = " BC" if year <= 4713 and rng.random() < 0.3 else ""
    return f"{year:04}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}{era}"


def clock(rng):
    if rng.random() < 0.4:
        return rng.choice(TIMES)
    fraction = rng.choice(["", f".{rng.randrange(10 ** 6):06}", f".{rng.randrange(1000):03}"])
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}{fraction}"


def zoned_clock(rng):
    return clock(rng) + rng.choice(ZONES)


def timestamp(rng):
    if rng.random() < 0.3:
        return rng.choice(TIMESTAMPS)
    day, _, era = date(rng).partition(" ")
    return day if "infinity" in day or day == "epoch" else f"{day} {clock(rng)}{' ' + era if era else ''}"


def timestamptz(rng):
    value = timestamp(rng)
    if "infinity" in value or value == "epoch":
        return value
    day, _, rest = value.partition(" ")
    era = " BC" if rest.endswith("BC") else ""
    return f"{day} {rest.removesuffix(' BC')}{rng.choice(ZONES)}{era}"


INTERVALS = ["0", "178000000 years", "-178000000 years", "1 mon -1 day 00:00:01", "-1 mon 1 day -00:00:01", "-00:00:00.000001", "1 year",
             "2562047788:00:54.775807", "-2562047788:00:54.775807", "1 day", "-1 day", "24:00:00", "1 year 2 mons 3 days 04:05:06.789",
             "-1 year -2 mons +3 days -04:05:06.789", "2147483647 days", "-2147483648 days", "00:00:00.1", "1 mon", "11 mons", "12 mons", "23:59:60"]  # fmt: skip


def interval(rng):
    if rng.random() < 0.4:
        return rng.choice(INTERVALS)
    parts = [f"{rng.randint(-30, 30)} {unit}" for unit in ("years", "mons", "days") if rng.random() < 0.5]
    return " ".join([*parts, ("-" if rng.random() < 0.5 else "") + clock(rng).replace("24:00:00", "25:00")])


# -- json ------------------------------------------------------------------------------------------------------------

JSON_WORDS = ["null", "true", "false", "[]", "{}", '""', "0", "-0", "1.10", "1E+5", "1e-5", "-1.5e3", "0.0", "1e00001", '" "', '"\\u00e9"', '"\\ud83d\\ude00"',
              '"\\/"', '"\\b\\f\\n\\r\\t\\\\\\""', "12345678901234567890.123456789", '{"a": 1, "a": 2}', '{"b": 1, "a": 2, "b": {"x": 1, "x": [1]}}', "[1, [2, [3]]]"]  # fmt: skip
# Text that json accepts and jsonb refuses, or that is close to it.
JSON_EDGES = ['"\\u0000"', '{"\\u0000": 1}', '"a\\u0000b"', '"\\ud800"', '"\\udc00"', '"\\udc00\\ud800"', '"\\ud83dx"', '["\\ud83d", 1]', "1e131071", "1e131072",
              "1e-16383", "1e-16384", "[1e400000]", "1e99999999999", "0e99999", "0e-99999", "-0e5", '"\\\\u0000"', '"\\\\\\u0000"', "1e0000000000001",
              '{"\\ud800": []}', "[" * 999 + "]" * 999, "[" * 1000 + "]" * 1000, "[" * 1001 + "]" * 1001, '{"a":' * 1001 + "1" + "}" * 1001,
              "1" + "0" * 16500, "1" + "0" * 131071, "1" + "0" * 131072, "0." + "0" * 16382 + "1", "0." + "0" * 16383 + "1", "1.5e-16382", "1.5e-16383", "10e131070", "10e131071",
              "0." + "0" * 20 + "1e131090", '"' + "[" * 2000 + '"']  # fmt: skip


def json_document(rng, depth=0):
    """A random document as jsonb accepts it, written with odd blanks."""
    kind = rng.random()
    blank = rng.choice(["", "", " ", "\n", "\t "])
    if depth >= 4 or kind < 0.4:
        return blank + rng.choice(JSON_WORDS) + blank
    if kind < 0.6:
        return json.dumps(text(rng), ensure_ascii=rng.random() < 0.5).replace("\\u0000", "")
    count = rng.choice((0, 1, 2, 4))
    items = [json_document(rng, depth + 1) for _ in range(count)]
    if kind < 0.8:
        return "[" + ",".join(items) + blank + "]"
    keys = [json.dumps(text(rng)) if rng.random() < 0.5 else '"k"' for _ in items]
    return "{" + ",".join(f"{key}{blank}:{item}" for key, item in zip(keys, items)) + "}"


def json_text(rng):
    if rng.random() < 0.12:
        edge = rng.choice(JSON_EDGES)
        # Most of them are long when rendered.
        return edge if len(edge) < 50 and "131071" not in edge or rng.random() < 0.1 else '["\\u0000"]'
    return json_document(rng)


def long_json(rng):
    if rng.random() < 0.3:
        return rng.choice(JSON_EDGES)
    return "[" + ",".join(json_document(rng) for _ in range(rng.choice((100, 400, 1500)))) + "]"


def long_jsonb(rng):
    if rng.random() < 0.2:
        depth = rng.choice((900, 1500))
        return "[" * depth + "]" * depth
    return "[" + ",".join(json_document(rng) for _ in range(rng.choice((100, 400, 1500)))) + "]"


JSONPATHS = ["$", "strict $.a", "lax $.a[*] ? (@ > 1)", '$."a b"."\\u00e9"', "$.a[0 to last].size()", '$ ? (@.x like_regex "^a" flag "i")', "1 + 2 * -3.10",
             "$.**{1 to 3}.b", "$.a.datetime()", "exists($.a)", "$var", "-($.a)"]  # fmt: skip

# -- networks, geometry, search, system ------------------------------------------------------------------------------

INETS = ["0.0.0.0/0", "0.0.0.0", "255.255.255.255", "10.1.2.3/8", "192.168.0.1/32", "192.168.100.128/25", "::", "::1", "::/0", "2001:db8::1/64", "fe80::1:2:3/10",
         "::ffff:1.2.3.4", "::ffff:1.2.3.4/128", "1:2:3:4:5:6:7:8", "::1.2.3.4/96"]  # fmt: skip
CIDRS = ["0.0.0.0/0", "10.0.0.0/8", "192.168.1.0/24", "192.168.1.1/32", "10", "192.168", "::/0", "2001:db8::/32", "::1/128", "::ffff:1.2.3.0/120"]


def inet(rng):
    if rng.random() < 0.5:
        return rng.choice(INETS)
    return ".".join(str(rng.randrange(256)) for _ in range(4)) + rng.choice(["", f"/{rng.randint(0, 32)}"])


def macaddr(length):
    return lambda rng: ":".join(f"{byte:02x}" for byte in rng.choice((rng.randbytes(length), bytes(length), b"\xff" * length)))


def coordinate(rng):
    return rng.choice([float8(rng), "1", "-2.5", "0", str(rng.randint(-100, 100))])


def finite(rng):
    return rng.choice(["1", "-2.5", "0", "1e10", "1e-10", f"{rng.uniform(-1000, 1000)!r}", str(rng.randint(-100, 100))])


def point(rng, number=coordinate):
    return f"({number(rng)},{number(rng)})"


def points(rng, low, high, number=finite):
    return ",".join(point(rng, number) for _ in range(rng.randint(low, high)))


def tsvector(rng):
    items = [f"{rng.choice([words(rng), quoted_lexeme(rng)])}{rng.choice(['', ':1', ':2A,3B', ':16383C', ':5,6,7'])}" for _ in range(rng.randint(0, 8))]
    return " ".join(items)


def quoted_lexeme(rng):
    return "'" + rng.choice(["a b", "it''s", "back\\\\slash", "é", ":", "&"]) + "'"


def tsquery(rng):
    return rng.choice(["", "a", "a & b", "!a | (b & c)", "a <-> b", "a <3> b", "'a b':*A", "!!a", "'it''s' & x:AB", f"{words(rng)} | {words(rng)}"])


def pg_lsn(rng):
    return rng.choice(["0/0", "FFFFFFFF/FFFFFFFF", f"{rng.getrandbits(32):X}/{rng.getrandbits(32):X}", f"0/{rng.getrandbits(16):X}"])


def integer_list(bits_count, signed, most):
    generate = integers(bits_count, signed)
    return lambda rng: " ".join(generate(rng) for _ in range(rng.randint(0, most)))


def snapshot(rng):
    low = rng.randint(1, 2**40)
    inside = sorted({low + rng.randint(0, 19) for _ in range(rng.randint(0, 4))})
    return f"{low}:{low + 20}:{','.join(map(str, inside))}"


def tid(rng):
    return rng.choice(["(0,0)", "(4294967295,65535)", f"({rng.getrandbits(20)},{rng.getrandbits(8)})"])


# -- ranges ----------------------------------------------------------------------------------------------------------


def ordered_range(sorted_texts, infinite=True):
    """Of a list in ascending order, two bounds."""

    def generate(rng):
        if rng.random() < 0.1:
            return rng.choice(["empty", "(,)"])
        low, high = sorted(rng.sample(range(len(sorted_texts)), 2))
        lower = "" if infinite and rng.random() < 0.15 else f'"{sorted_texts[low]}"'
        upper = "" if infinite and rng.random() < 0.15 else f'"{sorted_texts[high]}"'
        return rng.choice("[(") + lower + "," + upper + rng.choice("])")

    return generate


def multirange(generate):
    return lambda rng: "{" + ",".join(generate(rng) for _ in range(rng.choice((0, 1, 2, 4)))) + "}"


int4range = ordered_range(["-2147483648", "-100", "-1", "0", "1", "9", "10", "65536", "2147483646"])
int8range = ordered_range(["-9223372036854775808", "-5", "0", "7", "99999999999", "9223372036854775806"])
numrange = ordered_range(["-Infinity", "-1e20", "-1.10", "0.00", "0.0001", "1.1", "2", "1e30", "Infinity"])
daterange = ordered_range(["4713-01-01 BC", "0001-12-31 BC", "0001-01-01", "1999-12-31", "2000-02-29", "10000-01-01", "infinity"])
tsrange = ordered_range(["-infinity", "4713-01-01 00:00:00 BC", "0001-01-01 12:00:00", "1999-12-31 23:59:59.999999", "2000-01-01", "294276-12-31 23:59:59.999999"])
tstzrange = ordered_range(["4713-01-02 00:00:00+00 BC", "0099-01-01 12:00:00+01:02:03", "1999-12-31 23:59:59.999999+05:30", "2024-01-01 00:00-08", "infinity"])

# -- extensions ------------------------------------------------------------------------------------------------------


def hstore(rng):
    items = []
    for _ in range(rng.choice((0, 1, 2, 5))):
        value = rng.choice(["NULL", '"NULL"', '""', json_quoted(text(rng)), "1.10", "t", "f", "0x1"])
        items.append(f"{json_quoted(text(rng))}=>{value}")
    return ", ".join(items)


def json_quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def long_hstore(rng):
    return ", ".join(f'"key{i}"=>{json_quoted(text(rng))}' for i in range(rng.choice((50, 400))))


def ltree(rng):
    return ".".join(words(rng) for _ in range(rng.randint(0, 6)))

"""Types: the base types of the server and of contrib with their literals, and random types built of them.

A type has a pool of literals that the server has accepted; a composed type builds its own from the pools of its parts, so
that what is deeply nested is accepted too. `expected(value)` is the SQL expression of what the trail must hold for an SQL
expression of the type: to_jsonb() itself, but for the exceptions that docs/value_test.md names.
"""

import literals as l

EXTENSIONS = ("hstore", "citext", "ltree", "cube", "seg", "isn")


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class Type:
    """sql: as written in DDL. own_expectation: to_jsonb() is not, or not always, what the trail must hold."""

    keyable = True
    own_expectation = False
    holds_json = False

    def __init__(self, sql):
        self.sql = sql
        self.pool = []
        self.long_pool = []

    def generate(self, rng):
        raise NotImplementedError

    def generate_long(self, rng):
        """A text of some kB and more, or None."""
        return None

    def parts(self):
        """The types that its literals are built of."""
        return []

    def expected(self, value):
        return f"to_jsonb({value})"

    def is_marked(self, value):
        """Whether json in it is text, because jsonb cannot hold it. Only of a type that holds json."""
        raise NotImplementedError

    def part_expected(self, value, json_function):
        """As a part of an array or a composite, with json by one of oracle.json_held() and oracle.json_text()."""
        return self.expected(value)

    def forget_pools(self):
        """After a part of it has changed: what the server accepted is no longer what it accepts."""
        self.pool = []
        self.long_pool = []
        for part in self.parts():
            part.forget_pools()


class Base(Type):
    def __init__(self, sql, generate, long=None, keyable=True, group=None):
        super().__init__(sql)
        self.generator = generate
        self.long_generator = long
        self.keyable = keyable
        self.group = group or sql

    def __deepcopy__(self, memo):
        return self

    def forget_pools(self):
        pass

    def generate(self, rng):
        return self.generator(rng)

    def generate_long(self, rng):
        return self.long_generator(rng) if self.long_generator else None


class Json(Base):
    """What jsonb cannot hold becomes a string of the text."""

    own_expectation = True
    holds_json = True

    def expected(self, value):
        return f"oracle.json_value({value})"

    def is_marked(self, value):
        return f"oracle.json_is_refused({value})"

    def part_expected(self, value, json_function):
        return f"{json_function}({value})"


class Jsonb(Base):
    """Becomes a string beside a json that does."""

    def part_expected(self, value, json_function):
        return f"{json_function}({value})"


class OutputText(Base):
    """Outside the core and with a cast to json: the output text, and not what the cast makes of it."""

    own_expectation = True

    def expected(self, value):
        return f"to_jsonb(({value})::text)"


class Array(Type):
    def __init__(self, element, functions):
        super().__init__(element.sql + "[]")
        self.element = element
        self.delimiter = ";" if element.sql == "box" else ","
        self.functions = functions

    @property
    def keyable(self):
        return self.element.keyable

    @property
    def own_expectation(self):
        return self.element.own_expectation

    @property
    def holds_json(self):
        return self.element.holds_json

    def parts(self):
        return [self.element]

    def _element(self, rng, nulls, long):
        if rng.random() < nulls:
            return rng.choice(["NULL", "null", "Null"])
        text = rng.choice(self.element.long_pool) if long and self.element.long_pool else rng.choice(self.element.pool)
        plain = text and text.isalnum() and text.isascii() and text.lower() != "null"
        return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def _dimension(self, rng, lengths, nulls, long):
        if not lengths:
            return self._element(rng, nulls, long)
        return "{" + self.delimiter.join(self._dimension(rng, lengths[1:], nulls, long) for _ in range(lengths[0])) + "}"

    def generate(self, rng, long=False):
        nulls = rng.choice((0, 0, 0.2, 1))
        lengths = rng.choice([[0], [1], [2], [3], [8], [9], [1, 1], [2, 3], [2, 1, 2], [1, 1, 1, 1, 1, 2]])
        if lengths == [0]:
            return "{}"
        bounds = ""
        if rng.random() < 0.2:
            starts = [rng.choice((0, 1, 5, -3, -2147483648, 2147483600)) for _ in lengths]
            bounds = "".join(f"[{start}:{start + length - 1}]" for start, length in zip(starts, lengths)) + "="
        return bounds + self._dimension(rng, lengths, nulls, long)

    def generate_long(self, rng):
        if self.element.long_pool and rng.random() < 0.5:
            return self.generate(rng, long=True)
        return self._dimension(rng, [rng.choice((200, 1000))], rng.choice((0, 0.3)), False)

    def expected(self, value):
        return self.functions.expected(self, value) if self.own_expectation else super().expected(value)

    def is_marked(self, value):
        return self.functions.is_marked(self, value)

    def part_expected(self, value, json_function):
        name = self.functions.get(
            self.sql,
            f"SELECT oracle.shaped((SELECT jsonb_agg({self.element.part_expected('item', json_function)}) FROM (SELECT unnest($1) AS item) AS items),"
            " ARRAY(SELECT array_length($1, dimension) FROM generate_series(1, array_ndims($1)) AS dimension)) WHERE $1 IS NOT NULL",
        )
        return f"{name}({value})"


class Enum(Type):
    def __init__(self, sql, labels, has_cast=False):
        super().__init__(sql)
        self.labels = labels
        self.own_expectation = has_cast

    def generate(self, rng):
        return rng.choice(self.labels)

    def expected(self, value):
        return f"to_jsonb(({value})::text)" if self.own_expectation else super().expected(value)


class Composite(Type):
    """fields: [name, Type] in order. is_table: the row type of a table."""

    def __init__(self, sql, fields, functions, is_table=False):
        super().__init__(sql)
        self.fields = fields
        self.functions = functions
        self.is_table = is_table

    @property
    def keyable(self):
        return all(type.keyable for _, type in self.fields)

    @property
    def own_expectation(self):
        return any(type.own_expectation for _, type in self.fields)

    @property
    def holds_json(self):
        return any(type.holds_json for _, type in self.fields)

    def parts(self):
        return [type for _, type in self.fields]

    def _field(self, rng, type, long):
        if rng.random() < 0.12:
            return ""
        text = rng.choice(type.long_pool) if long and type.long_pool else rng.choice(type.pool)
        if text.isalnum() and text.isascii():
            return text
        return '"' + text.replace("\\", rng.choice(["\\\\"])).replace('"', rng.choice(['""', '\\"'])) + '"'

    def generate(self, rng, long=False):
        if rng.random() < 0.05:
            return "(" + "," * (len(self.fields) - 1) + ")"
        return "(" + ",".join(self._field(rng, type, long) for _, type in self.fields) + ")"

    def generate_long(self, rng):
        return self.generate(rng, long=True) if any(type.long_pool for _, type in self.fields) else None

    def expected(self, value):
        return self.functions.expected(self, value) if self.own_expectation else super().expected(value)

    def is_marked(self, value):
        return self.functions.is_marked(self, value)

    def part_expected(self, value, json_function):
        pairs = ", ".join(f"{literal(name)}, {type.part_expected(f'($1).{identifier(name)}', json_function)}" for name, type in self.fields)
        # IS DISTINCT FROM, because a row of nulls IS NULL and yet a row.
        name = self.functions.get(self.sql, f"SELECT jsonb_build_object({pairs}) WHERE $1 IS DISTINCT FROM NULL")
        return f"{name}({value})"


class Domain(Type):
    def __init__(self, sql, base):
        super().__init__(sql)
        self.base = base

    @property
    def keyable(self):
        return self.base.keyable

    @property
    def own_expectation(self):
        return self.base.own_expectation

    @property
    def holds_json(self):
        return self.base.holds_json

    def parts(self):
        return [self.base]

    def generate(self, rng):
        return rng.choice(self.base.pool)

    def generate_long(self, rng):
        return rng.choice(self.base.long_pool) if self.base.long_pool else None

    def expected(self, value):
        return self.base.expected(f"({value})::{self.base.sql}") if self.own_expectation else super().expected(value)

    def is_marked(self, value):
        return self.base.is_marked(f"({value})::{self.base.sql}")

    def part_expected(self, value, json_function):
        return self.base.part_expected(f"({value})::{self.base.sql}", json_function)


class Range(Type):
    """Of any type; which of two literals is the lower, the server says."""

    def __init__(self, sql, subtype):
        super().__init__(sql)
        self.subtype = subtype

    def parts(self):
        return [self.subtype]

    def _bound(self, rng):
        if rng.random() < 0.3:
            return ""
        text = rng.choice(self.subtype.pool)
        return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'

    def generate(self, rng):
        if rng.random() < 0.1:
            return "empty"
        return rng.choice("[(") + self._bound(rng) + "," + self._bound(rng) + rng.choice("])")


class Multirange(Type):
    def __init__(self, sql, of):
        super().__init__(sql)
        self.of = of

    def parts(self):
        return [self.of]

    def generate(self, rng):
        return "{" + ",".join(rng.choice(self.of.pool) for _ in range(rng.randint(0, 3))) + "}"


class ExpectationFunctions:
    """The functions that give the expected value of composed types, made when first asked for."""

    def __init__(self, execute):
        self.execute = execute
        self.names = {}

    def get(self, argument, body):
        key = (argument, body)
        if key not in self.names:
            name = self.names[key] = f"oracle_round.expected_{len(self.names)}"
            # Not in the order of the types: a type that grew gets another function.
            language = "plpgsql" if body.startswith("BEGIN") else "sql"
            self.execute(f"CREATE FUNCTION {name}({argument}) RETURNS jsonb LANGUAGE {language} AS {literal(body)}")
        return self.names[key]

    def is_marked(self, type, value):
        held = type.part_expected("$1", "oracle.json_held")
        name = self.get(type.sql, f"BEGIN PERFORM {held}; RETURN 'false'; EXCEPTION WHEN data_exception OR program_limit_exceeded THEN RETURN 'true'; END")
        return f"{name}({value})::boolean"

    def expected(self, type, value):
        """Where jsonb cannot hold a part, all json in the value is text."""
        held, text = (type.part_expected("$1", f"oracle.json_{how}") for how in ("held", "text"))
        name = self.get(type.sql, f"BEGIN RETURN {held}; EXCEPTION WHEN data_exception OR program_limit_exceeded THEN RETURN {text}; END")
        return f"{name}({value})"


def base_types():
    """New ones for each round: pools are part of what the seed decides."""
    b = Base
    types = [
        b("boolean", l.one_of("t", "f"), group="bool"), b("smallint", l.integers(16), group="int2"), b("integer", l.integers(32), group="int4"),
        b("bigint", l.integers(64), group="int8"), b("real", l.float4, group="float4"), b("double precision", l.float8, group="float8"),
        b("numeric", l.numeric, l.long_numeric), b("numeric(10,2)", l.small_numeric(8, 2), group="numeric"),
        b("numeric(3,-2)", l.small_numeric(5, 0), group="numeric"), b("numeric(3,6)", lambda rng: l.small_numeric(0, 6)(rng).replace("0.", "0.000"), group="numeric"),
        b("numeric(1000,900)", l.small_numeric(90, 20), group="numeric"), b("money", l.money),
        b("text", l.text, l.long_text), b("varchar(20)", l.characters_max(20), group="varchar"), b("varchar", l.text, l.long_text),
        b("char(5)", l.characters_max(5), group="bpchar"), b('"char"', l.single_byte, group="char"), b("name", l.name), b("bytea", l.bytea, l.long_bytea),
        b("date", l.date), b("time", l.clock), b("time(2)", l.clock, group="time"), b("timetz", l.zoned_clock), b("timetz(0)", l.zoned_clock, group="timetz"),
        b("timestamp", l.timestamp), b("timestamp(3)", l.timestamp, group="timestamp"), b("timestamptz", l.timestamptz), b("timestamptz(1)", l.timestamptz, group="timestamptz"),
        b("interval", l.interval), b("interval year to month", l.interval, group="interval"), b("interval second(3)", l.interval, group="interval"),
        b("uuid", lambda rng: rng.randbytes(16).hex()), Json("json", l.json_text, l.long_json, keyable=False), Json("json", l.json_text, l.long_json, keyable=False),
        Jsonb("jsonb", l.json_document, l.long_jsonb), Jsonb("jsonb", l.json_document, l.long_jsonb),
        b("jsonpath", l.one_of(*l.JSONPATHS), keyable=False), b("xml", l.one_of(*l.XML), keyable=False),
        b("bit(7)", l.bits(7), group="bit"), b("bit varying", l.varbits, group="varbit"), b("inet", l.inet), b("cidr", l.one_of(*l.CIDRS)),
        b("macaddr", l.macaddr(6)), b("macaddr8", l.macaddr(8)),
        b("point", l.point, keyable=False), b("line", lambda rng: "{" + ",".join((l.finite(rng), "3", l.finite(rng))) + "}", keyable=False),
        b("lseg", lambda rng: f"[{l.points(rng, 2, 2, l.coordinate)}]", keyable=False), b("box", lambda rng: l.points(rng, 2, 2), keyable=False),
        b("path", lambda rng: rng.choice(["[{}]", "({})"]).format(l.points(rng, 1, 5)), lambda rng: f"[{l.points(rng, 300, 300)}]", keyable=False),
        b("polygon", lambda rng: f"({l.points(rng, 1, 6)})", keyable=False), b("circle", lambda rng: f"<{l.point(rng, l.finite)},{rng.choice(['0', '1.5', 'Infinity'])}>", keyable=False),
        b("tsvector", l.tsvector), b("tsquery", l.tsquery), b("pg_lsn", l.pg_lsn), b("oid", l.integers(32, False)), b("xid", l.integers(32, False), keyable=False),
        b("xid8", l.integers(64, False)), b("cid", l.integers(32, False), keyable=False), b("tid", l.tid), b("oidvector", l.integer_list(32, False, 6)),
        b("int2vector", l.integer_list(16, True, 6), keyable=False), b("txid_snapshot", l.snapshot, keyable=False), b("pg_snapshot", l.snapshot, keyable=False),
        b("refcursor", l.text, keyable=False), b("aclitem", l.one_of("postgres=arwdDxt/postgres", "=r*/postgres", '"odd ""role"""=U/postgres'), keyable=False),
        b("regclass", l.one_of("pg_class", "pg_catalog.pg_type", '"odd schema"."odd ""table"""', "-", "4294967295", "information_schema.tables")),
        b("regproc", l.one_of("now", "pg_catalog.pi", "-", "999999999")), b("regprocedure", l.one_of("abs(integer)", "pg_catalog.lower(text)", "-", "oracle.json_value(json)")),
        b("regoper", l.one_of("pg_catalog.||/", "0", "999999999")), b("regoperator", l.one_of("+(integer,integer)", "pg_catalog.-(NONE,bigint)", "0")),
        b("regtype", l.one_of("integer", "timestamptz", "integer[]", '"odd schema"."odd ""table"""', "-", "ext.hstore")), b("regrole", l.one_of("postgres", '"odd ""role"""', "-")),
        b("regnamespace", l.one_of("pg_catalog", '"odd schema"', "-")), b("regcollation", l.one_of('"C"', 'pg_catalog."default"', "-")),
        b("regconfig", l.one_of("english", "pg_catalog.simple", "-")), b("regdictionary", l.one_of("simple", "english_stem", "-")),
        b("int4range", l.int4range), b("int8range", l.int8range), b("numrange", l.numrange), b("daterange", l.daterange), b("tsrange", l.tsrange), b("tstzrange", l.tstzrange),
        b("int4multirange", l.multirange(l.int4range)), b("int8multirange", l.multirange(l.int8range)), b("nummultirange", l.multirange(l.numrange)),
        b("datemultirange", l.multirange(l.daterange)), b("tsmultirange", l.multirange(l.tsrange)), b("tstzmultirange", l.multirange(l.tstzrange)),
        OutputText("ext.hstore", l.hstore, l.long_hstore), b("ext.citext", l.text, l.long_text), b("ext.ltree", l.ltree),
        b("ext.lquery", l.one_of("*", "a.*.b", "*{1,2}.x@*", "!a|b.c%"), keyable=False), b("ext.ltxtquery", l.one_of("a", "a & b@*", "!(a | b)"), keyable=False),
        b("ext.cube", lambda rng: f"({l.finite(rng)},{l.finite(rng)}),(1,2)"), b("ext.seg", l.one_of("1", "1.50 .. 2", "< 3", "~1e5", "5(+-)0.3", "1.0 ..")),
        b("ext.isbn", l.one_of("0-306-40615-2", "9780306406157")), b("ext.ean13", l.one_of("9780306406157", "4006381333931")),
    ]  # fmt: skip
    return types


# Types of pg_catalog that no column can be filled with: no input function, or none that a user may call.
WITHOUT_INPUT = {"gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary"}


def uncovered(cursor):
    """Types of the server that no Base stands for."""
    cursor.execute(
        "SELECT typname FROM pg_catalog.pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm', 'e', 'd')"
        " AND typname !~ '^_' ORDER BY 1"
    )
    covered = {type.group.strip('"') for type in base_types()} | WITHOUT_INPUT
    return [name for (name,) in cursor.fetchall() if name not in covered]

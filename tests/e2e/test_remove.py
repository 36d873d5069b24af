"""`waltrail init --remove` takes away from the source what init has made there, and nothing else."""

import pytest

from test_init_refuses import assert_one_line
from traced_source import CONTEXT, NOTED, objects, triggers


@pytest.fixture
def remove(source, slot, waltrail):
    """A function that runs it with more arguments."""

    def run(*more, check=True, source=source.conninfo(), slot=slot):
        return waltrail.run("init", "--remove", "--source", source, "--slot", slot, *more, check=check)

    return run


@pytest.fixture
def prepared(traced):
    """With everything that init makes, for two slots; `traced.before` is what the source held before."""
    traced.source.psql("""
        CREATE TABLE "O'dd" (id integer PRIMARY KEY);
        CREATE TABLE root (id integer PRIMARY KEY) PARTITION BY LIST (id);
        CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1);
        CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER own BEFORE INSERT ON leaf FOR EACH STATEMENT EXECUTE FUNCTION own();
        CREATE FUNCTION own_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER own ON ddl_command_end EXECUTE FUNCTION own_event();
    """)
    traced.before = objects(traced.source)
    traced.init()
    traced.waltrail.init(traced.source, traced.destination, f"{traced.slot}_2", label="2")
    yield traced
    traced.source.execute("DROP EVENT TRIGGER IF EXISTS own")


def slots(source):
    return [name for (name,) in source.query(
        "SELECT slot_name FROM pg_replication_slots WHERE database = current_database() AND plugin = 'waltrail' ORDER BY 1"
    )]  # fmt: skip


def test_nothing_of_init_is_left(prepared, remove):
    done = remove()
    assert objects(prepared.source) == prepared.before
    assert f"event trigger {prepared.slot}, event trigger {prepared.slot}_2, context triggers of 3 tables, 4 functions, schema" in (
        done.stdout
    )
    assert done.stderr == ""
    prepared.source.execute("CREATE TABLE later (id integer PRIMARY KEY)")
    assert prepared.source.value("SELECT relreplident FROM pg_class WHERE relname = 'later'") == "d"


def test_slot_and_replica_identity_stay_and_are_named(prepared, remove):
    done = remove()
    left = [line.strip() for line in done.stdout.splitlines() if "left: " in line]
    assert [line.partition(": SELECT")[0] for line in left] == [
        f'left: slot "{prepared.slot}", which keeps WAL; to end its trail',
        f'left: slot "{prepared.slot}_2", which keeps WAL; to end its trail',
        "left: REPLICA IDENTITY FULL on 2 tables; to set it back, in psql",
    ]
    assert slots(prepared.source) == [prepared.slot, f"{prepared.slot}_2"]
    # The stream goes on.
    prepared.run(f"INSERT INTO root VALUES (1) {NOTED}")
    assert prepared.rows() == [("root", "CREATE", "1", {})]
    # What is named as SQL takes it away.
    prepared.source.psql("".join(f"SELECT{line.partition(': SELECT')[2]};\n".replace("\\gexec;", "\\gexec") for line in left))
    assert slots(prepared.source) == []
    assert prepared.source.query("SELECT 1 FROM pg_class WHERE relreplident = 'f'") == []
    assert remove().stdout.splitlines() == [f'source "{prepared.source.name}" at {prepared.source.server.folder}: nothing to remove']


def test_second_run_has_nothing_to_remove(prepared, remove):
    remove()
    before = objects(prepared.source)
    done = remove()
    assert "nothing to remove" in done.stdout and "left: slot" in done.stdout and done.stderr == ""
    assert objects(prepared.source) == before
    assert "nothing to remove" in remove("--context-triggers").stdout


def test_context_triggers_alone(prepared, remove):
    done = remove("--context-triggers")
    assert "removed context triggers of 3 tables, 2 functions\n" in done.stdout and "left" not in done.stdout
    without = objects(prepared.source)
    assert triggers(prepared.source) == []
    assert prepared.source.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'waltrail'::regnamespace") == 2
    prepared.source.execute("CREATE TABLE later (id integer PRIMARY KEY)")
    assert prepared.source.value("SELECT relreplident FROM pg_class WHERE relname = 'later'") == "f"
    assert triggers(prepared.source) == []
    assert "nothing to remove" in remove("--context-triggers").stdout
    assert objects(prepared.source) == without
    # And they can be made again.
    prepared.waltrail.init(prepared.source, prepared.destination, prepared.slot, "--context-triggers")
    prepared.run(f"INSERT INTO later VALUES (1) {NOTED}")
    assert prepared.contexts() == [CONTEXT]


def test_context_triggers_alone_where_there_is_nothing_else(traced, remove, role):
    """A role that may make no event trigger."""
    traced.source.psql(f"""
        ALTER ROLE {role} REPLICATION;
        GRANT CREATE ON DATABASE {traced.source.name} TO {role};
        CREATE TABLE own (id integer PRIMARY KEY);
        ALTER TABLE own OWNER TO {role};
    """)
    before = objects(traced.source)
    conninfo = traced.source.conninfo(user=role)
    traced.waltrail.run("init", "--source", conninfo, "--destination", traced.destination.conninfo(), "--slot", traced.slot,
                        "--context-triggers")  # fmt: skip
    assert triggers(traced.source) == ["own"]
    assert 'schema "waltrail"' in remove("--context-triggers", source=conninfo).stdout
    assert objects(traced.source) == before
    traced.source.execute("SELECT pg_drop_replication_slot(%s)", [traced.slot])


def test_slot_goes_where_that_is_asked_for(prepared, remove):
    assert f'slot "{prepared.slot}"' in remove("--drop-slot").stdout.splitlines()[0]
    assert slots(prepared.source) == [f"{prepared.slot}_2"]
    done = remove("--drop-slot")
    assert "nothing to remove" in done.stdout and f'left: slot "{prepared.slot}_2"' in done.stdout


def test_slot_in_use_is_refused_before_anything_is_removed(prepared, remove):
    before = objects(prepared.source)
    process = prepared.waltrail.apply(prepared.source, prepared.destination, prepared.slot)
    process.wait_for_output("streaming")
    pid = prepared.source.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [prepared.slot])
    assert_one_line(remove("--drop-slot", check=False), [f'slot "{prepared.slot}" is in use by pid {pid}', "end waltrail apply"])
    assert objects(prepared.source) == before
    assert process.stop() == 0


def test_slot_of_somebody_elses_is_refused(prepared, remove):
    before = objects(prepared.source)
    done = remove("--drop-slot", slot=prepared.messages_slot, check=False)
    assert_one_line(done, [f'slot "{prepared.messages_slot}" is not one of waltrail\'s in this database', "--slot"])
    assert objects(prepared.source) == before


def test_objects_of_others_in_the_schema_stay(prepared, remove):
    prepared.source.psql("""
        CREATE TABLE waltrail.theirs (id integer PRIMARY KEY);
        CREATE FUNCTION waltrail.theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1';
    """)
    done = remove()
    assert 'left: schema "waltrail", because it holds function waltrail.theirs(), table waltrail.theirs\n' in done.stdout
    assert prepared.source.value("SELECT waltrail.theirs()") == 1
    assert triggers(prepared.source) == []
    done = remove()
    assert "nothing to remove" in done.stdout and "left: schema" in done.stdout


def test_what_others_have_built_on_it_is_not_dropped(prepared, remove):
    prepared.source.execute("CREATE VIEW theirs AS SELECT waltrail.comment_context('') AS context")
    before = objects(prepared.source)
    assert_one_line(remove(check=False), ['functions in schema "waltrail" are used by rule _RETURN on view public.theirs'])
    assert objects(prepared.source) == before
    assert prepared.source.query("SELECT context FROM theirs") == [(None,)]
    prepared.source.execute("DROP VIEW theirs")
    remove()
    assert objects(prepared.source) == prepared.before


def test_locked_table_is_named_and_another_run_goes_on(prepared, remove):
    holder = prepared.source.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("SELECT * FROM leaf")
    assert_one_line(remove(check=False), ["could not lock table public.leaf", "run waltrail init --remove again"])
    assert triggers(prepared.source) == ["leaf"]
    prepared.run(f"INSERT INTO leaf VALUES (1) {NOTED}")  # nothing is broken meanwhile
    assert prepared.contexts() == [CONTEXT]
    holder.close()
    remove()
    assert objects(prepared.source) == prepared.before


def test_role_without_the_rights_is_refused(prepared, remove, role):
    before = objects(prepared.source)
    conninfo = prepared.source.conninfo(user=role)
    assert_one_line(remove(source=conninfo, check=False), [f"not the owner of event trigger {prepared.slot}", "superuser"])
    assert_one_line(remove("--context-triggers", source=conninfo, check=False), ["not the owner of table", "public.leaf"])
    assert objects(prepared.source) == before


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--remove", "--source", "x", "--tables", "a.b"], "--tables has no meaning with --remove"),
        (["--remove", "--source", "x", "--destination=y"], "--destination has no meaning with --remove"),
        (["--remove", "--source", "x", "--comment-affix", "A"], "--comment-affix has no meaning with --remove"),
        (["--remove", "--source", "x", "--drop-slot", "--context-triggers"], "--drop-slot has no meaning with --context-triggers"),
        (["--source", "x", "--destination", "y", "--drop-slot"], "--drop-slot needs --remove"),
        (["--source", "x", "--destination", "y", "--comment-affix", "A"], "--comment-affix needs --context-triggers"),
        (["--remove"], "--source"),
    ],
)
def test_options_without_meaning_are_refused(waltrail, arguments, words):
    assert_one_line(waltrail.run("init", *arguments, check=False), [words], status=2)


def test_settings_file_of_init_serves_remove(prepared, waltrail, tmp_path):
    """What it says for other runs of init is no wish that contradicts --remove."""
    file = tmp_path / "waltrail.toml"
    file.write_text(f"""
        [apply]
        source = "{prepared.source.conninfo()}"
        destination = "{prepared.destination.conninfo()}"
        [init]
        label = "shop"
        tables = ["public.*"]
        context-triggers = true
        comment-affix = "Shop"
    """)
    done = waltrail.run("init", "--config", file, "--remove")
    assert objects(prepared.source) == prepared.before
    assert "event trigger" in done.stdout
    # Nor can the file make every init a removal.
    file.write_text(file.read_text() + "remove = true\n")
    assert_one_line(waltrail.run("init", "--config", file, check=False), ["remove"], status=2)

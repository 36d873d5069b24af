"""`waltrail init` prepares both ends: slot, registration, table, and REPLICA IDENTITY FULL for the tables there and to come."""

import threading

from servers import wait_until


def identities(database, schema="public"):
    """relreplident by name of the ordinary tables of a schema: f is FULL, d is the default."""
    return dict(
        database.query(
            "SELECT relname::text, relreplident FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace",
            [schema],
        )
    )


def test_both_ends_know_of_each_other(source, destination, slot, waltrail):
    waltrail.init(source, destination, slot, label="shop")
    assert source.query(
        "SELECT plugin::text, database::text, temporary, active FROM pg_replication_slots WHERE slot_name = %s", [slot]
    ) == [("waltrail", source.name, False, False)]
    assert destination.query("SELECT label, database_name, slot_name, database_oid FROM changes.sources") == [
        ("shop", source.name, slot, source.value("SELECT oid FROM pg_database WHERE datname = current_database()"))
    ]
    assert destination.value("SELECT system_identifier FROM changes.sources") == source.value(
        "SELECT system_identifier FROM pg_control_system()"
    )
    start, end, timeline = destination.query("SELECT start_lsn, end_lsn, timeline FROM changes.applied")[0]
    assert start == end
    assert timeline == 1
    confirmed = source.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", [slot])
    assert start == confirmed


def test_trail_is_made_with_its_partitions(source, destination, slot, waltrail):
    done = waltrail.init(source, destination, slot, "--retention", "15 days")
    assert destination.query("SELECT * FROM public.changes") == []
    assert destination.value("SELECT value FROM changes.settings WHERE name = 'retention'") == "15 days"
    assert destination.value("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_partman'") == (
        "partman"
    )
    assert destination.value("SELECT count(*) > 4 FROM changes.partitions()")
    assert "retention 15 days" in done.stdout
    assert done.stderr == ""


def test_last_line_is_the_command_to_run_without_passwords(source, destination, slot, waltrail):
    done = waltrail.run(
        "init", "--source", source.conninfo(password="s3cret one"), "--destination",
        f"postgresql://postgres:s3cret-two@/{destination.name}?host={destination.server.folder}", "--slot", slot,
    )  # fmt: skip
    command = done.stdout.splitlines()[-1]
    assert command.startswith("now run: waltrail apply --source ")
    assert f"dbname={source.name}" in command and f"dbname={destination.name}" in command and f"--slot {slot}" in command
    assert "s3cret" not in done.stdout + done.stderr


def test_last_line_names_the_settings_file_and_only_what_is_not_in_it(source, destination, slot, waltrail, tmp_path):
    file = tmp_path / "my settings.toml"
    file.write_text(f"""
        [apply]
        source = "{source.conninfo(password='s3cret one')}"
        destination = "{destination.conninfo()}"
        mask-columns = ["*.email"]
        [init]
        label = "shop"
    """)
    done = waltrail.run("init", "--config", file, "--slot", slot)
    assert done.stdout.splitlines()[-1] == f"now run: waltrail apply --config '{file}' --slot {slot}"
    file.write_text(file.read_text().replace("[apply]", f'[apply]\nslot = "{slot}"'))
    done = waltrail.run("init", "--config", file)
    assert done.stdout.splitlines()[-1] == f"now run: waltrail apply --config '{file}'"
    done = waltrail.run("init", "--config", file, "--destination", destination.conninfo(application_name="x"))
    command = done.stdout.splitlines()[-1]
    assert "--source" not in command and "--destination" in command and "application_name=x" in command
    # What [init] alone says, apply does not know.
    file.write_text(file.read_text().replace("[init]", f"[init]\nslot = '{slot}'").replace(f'slot = "{slot}"\n', "", 1))
    assert waltrail.run("init", "--config", file).stdout.splitlines()[-1].endswith(f"toml' --slot {slot}")


def test_tables_that_are_there_become_full(source, destination, slot, waltrail):
    source.execute("CREATE SCHEMA sales")
    source.execute("CREATE TABLE plain (id integer PRIMARY KEY)")
    source.execute('CREATE TABLE sales."Odd name" (id integer)')
    source.execute("CREATE TABLE parted (id integer) PARTITION BY LIST (id)")
    source.execute("CREATE TABLE leaf PARTITION OF parted FOR VALUES IN (1)")
    source.execute("CREATE UNLOGGED TABLE unlogged (id integer)")
    done = waltrail.init(source, destination, slot)
    assert identities(source) == {"plain": "f", "leaf": "f", "unlogged": "d"}
    assert identities(source, "sales") == {"Odd name": "f"}
    assert "REPLICA IDENTITY FULL set on 3 tables" in done.stdout


def test_tables_that_come_later_become_full(source, destination, slot, waltrail):
    source.execute("CREATE TABLE parted (id integer) PARTITION BY LIST (id)")
    waltrail.init(source, destination, slot)
    source.execute("CREATE TABLE later (id integer PRIMARY KEY)")
    source.execute("CREATE TABLE leaf PARTITION OF parted FOR VALUES IN (1)")
    source.execute("CREATE TABLE selected AS SELECT 1 AS id")
    source.execute("SELECT 1 AS id INTO selected_into")
    source.execute("CREATE UNLOGGED TABLE unlogged (id integer)")
    source.execute("CREATE SCHEMA made CREATE TABLE inside (id integer)")
    assert identities(source) == {
        "later": "f", "leaf": "f", "selected": "f", "selected_into": "f", "unlogged": "d",
    }  # fmt: skip
    assert identities(source, "made") == {"inside": "f"}


def test_temporary_table_stays_as_it_is(source, destination, slot, waltrail):
    waltrail.init(source, destination, slot)
    connection = source.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE passing (id integer)")
            cursor.execute("SELECT relreplident FROM pg_class WHERE relname = 'passing'")
            assert cursor.fetchall() == [("d",)]
    finally:
        connection.close()


def test_any_role_can_still_create_tables(source, destination, slot, waltrail):
    role = f"{source.name}_maker"
    source.execute(f"CREATE ROLE {role} LOGIN")
    try:
        source.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
        waltrail.init(source, destination, slot)
        connection = source.connect(user=role)
        try:
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE theirs (id integer)")
            assert connection.notices == []
        finally:
            connection.close()
        assert identities(source) == {"theirs": "f"}
    finally:
        source.execute(f"DROP OWNED BY {role} CASCADE")
        source.execute(f"DROP ROLE {role}")


def test_new_tables_stay_as_they_are_without_the_slot(source, destination, slot, waltrail):
    waltrail.init(source, destination, slot)
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    source.execute("CREATE TABLE later (id integer)")
    assert identities(source) == {"later": "d"}


def test_patterns_choose_tables(source, destination, slot, waltrail):
    for table in ("order_a", "order_b", "orderXc", "other"):
        source.execute(f'CREATE TABLE "{table}" (id integer)')
    source.execute("CREATE TABLE parted (id integer) PARTITION BY LIST (id)")
    source.execute("CREATE TABLE leaf PARTITION OF parted FOR VALUES IN (1)")
    waltrail.init(source, destination, slot, "--tables", "public.order_*", "--tables", "*.parted")
    assert identities(source) == {"order_a": "f", "order_b": "f", "orderXc": "d", "other": "d", "leaf": "f"}
    source.execute("CREATE TABLE order_later (id integer)")
    source.execute("CREATE TABLE other_later (id integer)")
    assert identities(source)["order_later"] == "f"
    assert identities(source)["other_later"] == "d"


def test_keep_replica_identity_changes_no_table(source, destination, slot, waltrail):
    source.execute("CREATE TABLE plain (id integer)")
    waltrail.init(source, destination, slot, "--keep-replica-identity")
    source.execute("CREATE TABLE later (id integer)")
    assert identities(source) == {"plain": "d", "later": "d"}
    assert source.query("SELECT 1 FROM pg_event_trigger") == []


def test_second_run_changes_only_what_is_missing(source, destination, slot, waltrail):
    source.execute("CREATE TABLE plain (id integer)")
    waltrail.init(source, destination, slot, "--retention", "15 days")
    registered = destination.query("SELECT * FROM changes.sources, changes.applied")
    confirmed = source.query("SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", [slot])
    source.execute("ALTER TABLE plain REPLICA IDENTITY DEFAULT")
    done = waltrail.init(source, destination, slot)
    assert "already prepared" in done.stdout
    assert identities(source) == {"plain": "f"}
    assert destination.query("SELECT * FROM changes.sources, changes.applied") == registered
    assert confirmed == source.query(
        "SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", [slot]
    )
    # The default retention is no wish to change the one that is there.
    assert destination.value("SELECT value FROM changes.settings WHERE name = 'retention'") == "15 days"


def test_second_run_gives_the_event_trigger_new_patterns(source, destination, slot, waltrail):
    waltrail.init(source, destination, slot, "--tables", "public.a*")
    waltrail.init(source, destination, slot, "--tables", "public.b*")
    source.execute("CREATE TABLE a (id integer)")
    source.execute("CREATE TABLE b (id integer)")
    assert identities(source) == {"a": "d", "b": "f"}


def test_label_is_the_databases_name_by_default(source, destination, slot, waltrail):
    waltrail.run("init", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot)
    assert destination.query("SELECT label FROM changes.sources") == [(source.name,)]


def test_two_sources_share_a_destination(source, destination, slot, source_server, waltrail):
    waltrail.init(source, destination, slot)
    other = source_server.create_database(f"{source.name}_other")
    try:
        waltrail.init(other, destination, f"{slot}_other")
        assert destination.value("SELECT count(*) FROM changes.applied") == 2
    finally:
        other.drop()


def test_source_can_be_the_destination_too(source, slot, waltrail):
    source.execute("CREATE TABLE plain (id integer)")
    waltrail.init(source, source, slot)
    waltrail.init(source, source, slot)
    assert identities(source).pop("plain") == "f"
    source.execute("CALL changes.maintain()")
    assert source.query(
        "SELECT oid::regclass FROM pg_class WHERE relreplident = 'f' AND oid <> 'plain'::regclass AND relkind = 'r'"
    ) == []


def test_locked_table_is_left_with_a_warning(source, destination, slot, waltrail):
    source.execute("CREATE TABLE busy (id integer)")
    source.execute("CREATE TABLE idle (id integer)")
    holder = source.connect(autocommit=False)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT * FROM busy")
        done = waltrail.init(source, destination, slot)
    finally:
        holder.close()
    assert identities(source) == {"busy": "d", "idle": "f"}
    assert done.stderr.splitlines() == [
        "waltrail: warning: could not lock table public.busy: REPLICA IDENTITY left as it is; run init again"
    ]
    waltrail.init(source, destination, slot)
    assert identities(source) == {"busy": "f", "idle": "f"}


def test_table_with_very_large_rows_is_left_with_a_warning(source, destination, slot, waltrail):
    source.execute("CREATE TABLE heavy (id integer, body text, more text)")
    source.execute("ALTER TABLE heavy ALTER body SET STORAGE EXTERNAL, ALTER more SET STORAGE EXTERNAL")
    source.execute("INSERT INTO heavy VALUES (1, repeat('x', 35 << 20), repeat('x', 35 << 20))")
    done = waltrail.init(source, destination, slot)
    assert identities(source) == {"heavy": "d"}
    assert len(done.stderr.splitlines()) == 1
    assert "rows above 64 MB in table public.heavy: REPLICA IDENTITY left as it is" in done.stderr


def test_role_that_is_no_superuser_prepares_its_own_tables(source, destination, slot, waltrail):
    role = f"{source.name}_owner"
    source.execute(f"CREATE ROLE {role} LOGIN REPLICATION")
    try:
        source.execute("CREATE TABLE foreign_table_of_postgres (id integer)")
        source.execute("CREATE TABLE own (id integer)")
        source.execute(f"ALTER TABLE own OWNER TO {role}")
        done = waltrail.run(
            "init", "--source", source.conninfo(user=role), "--destination", destination.conninfo(), "--slot", slot
        )
        assert identities(source) == {"foreign_table_of_postgres": "d", "own": "f"}
        assert "not the owner of table public.foreign_table_of_postgres" in done.stderr
        assert "only a superuser may make the event trigger" in done.stdout
    finally:
        source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [slot])
        source.execute(f"DROP OWNED BY {role} CASCADE")
        source.execute(f"DROP ROLE {role}")


def test_price_is_shown_where_rows_were_changed(source, destination, slot, waltrail):
    source.execute("CREATE TABLE priced AS SELECT generate_series(1, 1000) AS id, repeat('x', 100) AS body")
    source.execute("UPDATE priced SET body = 'y'")
    wait_until(
        lambda: source.value("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'priced'") == 1000, "statistics"
    )
    done = waltrail.init(source, destination, slot)
    assert "its price: about " in done.stdout and "most for public.priced" in done.stdout


def test_slot_waits_for_a_transaction_that_ends(source, destination, slot, waltrail):
    writer = source.connect(autocommit=False)
    with writer.cursor() as cursor:
        cursor.execute("CREATE TABLE written (id integer)")
        cursor.execute("SELECT pg_current_xact_id()")

    def commit_later():
        wait_until(
            lambda: source.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", [slot]), "the slot to be begun"
        )
        writer.commit()

    thread = threading.Thread(target=commit_later)
    thread.start()
    try:
        waltrail.init(source, destination, slot)
    finally:
        thread.join()
        writer.close()
    assert identities(source) == {"written": "f"}


def test_second_slot_of_a_database_is_warned_of(source, destination, slot, waltrail):
    waltrail.init(source, destination, slot, label="one")
    done = waltrail.init(source, destination, slot + "_2", label="two")
    assert f'recorded as "one" already, through slot "{slot}"' in done.stderr
    assert waltrail.init(source, destination, slot + "_2", label="two").stderr == done.stderr
    # Prepared anew, because its slot is gone.
    for name in (slot, slot + "_2"):
        source.execute("SELECT pg_drop_replication_slot(%s)", [name])
    assert waltrail.init(source, destination, slot + "_3", label="three").stderr == ""

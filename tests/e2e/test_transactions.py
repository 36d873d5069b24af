"""What a transaction comes to in the end is in the trail, once, whatever its way there: savepoints, PREPARE, races."""

import threading

import pytest

import audit
from servers import wait_until

ROWS = "CREATE TABLE rows (id integer PRIMARY KEY, note text); ALTER TABLE rows ALTER note SET STORAGE EXTERNAL;"

SAVEPOINTS = {
    "nested": """
        BEGIN;
        INSERT INTO rows VALUES (1, 'kept');
        SAVEPOINT a;
        INSERT INTO rows VALUES (2, repeat('lost', 3000));
        SAVEPOINT b;
        UPDATE rows SET note = 'lost';
        SAVEPOINT c;
        DELETE FROM rows;
        RELEASE c;
        ROLLBACK TO b;
        UPDATE rows SET note = repeat('kept', 3000) WHERE id = 1;
        ROLLBACK TO a;
        UPDATE rows SET note = 'kept' WHERE id = 1;
        SAVEPOINT d;
        INSERT INTO rows VALUES (3, repeat('kept', 3000));
        SAVEPOINT e;
        UPDATE rows SET id = 4 WHERE id = 3;
        RELEASE d;
        COMMIT;
    """,
    # A session keeps 64 subtransactions in shared memory and names them in the WAL 64 at a time.
    "many": """
        DO $$
        BEGIN
            FOR i IN 1..400 LOOP
                BEGIN
                    INSERT INTO rows VALUES (i, repeat('x', i * 10));
                    IF i % 3 = 0 THEN RAISE division_by_zero; END IF;
                    UPDATE rows SET note = 'changed' WHERE id = i - 1;
                EXCEPTION WHEN division_by_zero THEN
                    UPDATE rows SET note = note || 'after ' || i WHERE id = i - 2;
                END;
            END LOOP;
        END $$;
    """,
    "with_changes_of_the_shape": """
        BEGIN;
        INSERT INTO rows VALUES (1, 'first');
        SAVEPOINT a;
        ALTER TABLE rows RENAME note TO lost;
        INSERT INTO rows VALUES (2, 'lost');
        ALTER TABLE rows RENAME TO lost;
        ALTER TABLE lost ADD gone integer DEFAULT 5;
        UPDATE lost SET gone = 6;
        ROLLBACK TO a;
        UPDATE rows SET note = 'second';
        SAVEPOINT b;
        ALTER TABLE rows RENAME note TO kept;
        UPDATE rows SET kept = 'third';
        RELEASE b;
        INSERT INTO rows VALUES (2, 'fourth');
        COMMIT;
    """,
    "rolled_back_whole": """
        INSERT INTO rows VALUES (1, 'kept');
        BEGIN;
        UPDATE rows SET note = 'lost';
        SAVEPOINT a;
        INSERT INTO rows VALUES (2, 'lost');
        RELEASE a;
        ROLLBACK;
        UPDATE rows SET note = 'kept';
    """,
}


@pytest.mark.parametrize("memory", ["64MB", "64kB"])
@pytest.mark.parametrize("savepoints", SAVEPOINTS)
def test_only_what_was_not_rolled_back_is_recorded(audited, savepoints, memory):
    audited.source.execute(f"ALTER DATABASE {audited.source.name} SET logical_decoding_work_mem = '{memory}'")
    audited.run(ROWS + SAVEPOINTS[savepoints])
    audited.assert_followed()


def test_transactions_that_spill_to_disk_keep_the_order_of_their_changes(audited):
    audited.source.execute(f"ALTER DATABASE {audited.source.name} SET logical_decoding_work_mem = '64kB'")
    audited.run(ROWS + """
        BEGIN;
        INSERT INTO rows SELECT i, repeat('long', i % 5 * 800) FROM generate_series(1, 500) AS i;
        SAVEPOINT a;
        UPDATE rows SET id = -id WHERE id % 2 = 0;
        SAVEPOINT b;
        DELETE FROM rows WHERE id > 0;
        ROLLBACK TO b;
        ALTER TABLE rows ADD COLUMN made integer DEFAULT 3;
        UPDATE rows SET made = id WHERE id < 0;
        RELEASE a;
        DELETE FROM rows WHERE id < -100;
        COMMIT;
    """)  # fmt: skip
    audited.assert_followed()
    spilled = """SELECT spill_count > 0 FROM pg_stat_replication_slots JOIN pg_replication_slots USING (slot_name)
                 WHERE database = current_database()"""
    wait_until(lambda: audited.source.value(spilled), "the spill to be counted")


PREPARED = ROWS + """
    CREATE SCHEMA shop;
    CREATE TABLE shop.others (id integer PRIMARY KEY, note text);
    INSERT INTO rows VALUES (1, 'committed');
    BEGIN;
    INSERT INTO rows VALUES (2, repeat('prepared', 2000));
    SAVEPOINT a;
    INSERT INTO rows VALUES (3, 'lost');
    ROLLBACK TO a;
    ALTER TABLE rows ADD COLUMN more integer DEFAULT 5;
    UPDATE rows SET note = 'prepared' WHERE id = 1;
    INSERT INTO shop.others VALUES (1, 'of the schema shop');
    PREPARE TRANSACTION '{name}_kept';
    BEGIN;
    INSERT INTO shop.others VALUES (2, 'lost');
    PREPARE TRANSACTION '{name}_lost';
"""


def test_a_prepared_transaction_is_recorded_when_it_is_committed(audited):
    name = audited.source.name
    audited.run(PREPARED.format(name=name))
    audited.apply()
    assert audited.trail("after") == [({"id": 1, "note": "committed"},)]
    process = audited.start_apply()
    process.wait_for_output("streaming")
    # What is committed meanwhile comes first, and needs no lock that a prepared transaction holds.
    audited.run("ALTER SCHEMA shop RENAME TO store; INSERT INTO store.others VALUES (4, 'of the schema store')")
    wait_until(lambda: len(audited.trail("id")) == 2, "the second change")
    process.kill9()
    audited.run(f"ROLLBACK PREPARED '{name}_lost'; COMMIT PREPARED '{name}_kept'; INSERT INTO rows VALUES (5, 'last', 6)")
    audited.assert_followed()
    assert len(audited.trail("id")) == 6


# From PostgreSQL's own test insert-conflict-specconflict: an index whose expression waits lets two sessions both look for a
# conflict before either has inserted.
RACE = """
    CREATE EXTENSION pageinspect;
    CREATE FUNCTION key_of(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
    DECLARE
        session integer := current_setting('race.session');
    BEGIN
        IF session = 0 THEN
            NULL;
        ELSIF pg_try_advisory_xact_lock(session, 1) THEN
            PERFORM pg_advisory_xact_lock(session, 2);
        ELSE
            PERFORM pg_advisory_xact_lock(session, 3);
        END IF;
        RETURN $1;
    END $$;
    CREATE TABLE raced (key text, note text, long text);
    ALTER TABLE raced ALTER long SET STORAGE EXTERNAL;
    CREATE UNIQUE INDEX ON raced (key_of(key));
"""

# The row of an insert that has lost, in any page: two that extend an empty table at once have one each.
LOST = """
    SELECT count(*)
    FROM generate_series(0, pg_relation_size('raced') / current_setting('block_size')::integer - 1) AS page,
         heap_page_items(get_raw_page('raced', page::integer))
    WHERE t_xmin = '0'
"""


def insert_in_race(database, number, on_conflict):
    connection = database.connect(options=f"-c race.session={number}")
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO raced VALUES ('k', 'of {number}', repeat('{number}', 9000)) ON CONFLICT {on_conflict}")
    connection.close()


@pytest.mark.parametrize(
    "on_conflict, changes",
    [("DO NOTHING", ["CREATE"]), ("(key_of(key)) DO UPDATE SET note = raced.note || ', ' || excluded.note", ["CREATE", "UPDATE"])],
    ids=["do_nothing", "do_update"],
)  # fmt: skip
def test_an_insert_that_loses_a_race_is_no_change(audited, on_conflict, changes):
    audited.run(RACE)
    controller = audited.source.connect()
    cursor = controller.cursor()
    waiting = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""

    def wait_for(sessions, lock):
        wait_until(lambda: audited.source.value(waiting, [lock]) == sessions, f"{sessions} sessions to wait for lock {lock}")

    def release(*locks):
        for session, lock in locks:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (session, lock))

    for session in (1, 2):
        for lock in (1, 2, 3):
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", (session, lock))
    racers = [threading.Thread(target=insert_in_race, args=(audited.source, n, on_conflict), daemon=True) for n in (1, 2)]
    for racer in racers:
        racer.start()
    # Both look for a conflict and see none; then both insert; then 2 enters the index, and 1 after it.
    wait_for(2, 3)
    release((1, 1), (2, 1), (1, 3), (2, 3))
    wait_for(2, 2)
    release((2, 2))
    racers[1].join(30)
    release((1, 2))
    racers[0].join(30)
    controller.close()
    assert not any(racer.is_alive() for racer in racers)
    assert audited.source.value(LOST) == 1, "no insert lost a race"
    audited.assert_followed()
    assert [operation for (operation,) in audited.trail("operation")] == changes

-- Keys that two rows have for a while: shifted or swapped by one statement (a deferrable key), and rows that come to keys which others leave.
-- Each answer is compared with what the table held, which is written down beside the changes.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(60);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
CREATE FUNCTION pg_temp.was(name text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(p.primary_key || ':' || (p."row"->>'v') || CASE WHEN p.doubt IS NULL THEN '' ELSE '?' END, ' ' ORDER BY p.primary_key), '')
      FROM changes.as_of(name, at) AS p
$$;
-- The same, each record by itself.
CREATE FUNCTION pg_temp.singly(name text, at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text[] := '{}';
BEGIN
    FOR key IN 1..9 LOOP
        BEGIN
            told := told || (SELECT p.primary_key || ':' || (p."row"->>'v') FROM changes.as_of(name, key::text, at) AS p);
        EXCEPTION WHEN object_not_in_prerequisite_state THEN
            told := told || (SELECT p.primary_key || ':' || (p."row"->>'v') || '?' FROM changes.as_of(name, at) AS p WHERE p.primary_key = key::text);
        END;
    END LOOP;
    RETURN coalesce(array_to_string(told, ' '), '');
END
$$;
CREATE FUNCTION pg_temp.told(name text, key text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(h.position), '{}') FROM changes.history(name, key) AS h
$$;
CREATE FUNCTION pg_temp.erased(name text, key text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(DISTINCT c.position ORDER BY c.position), '{}') FROM changes.record_changes('shop', 'public', name, key) AS r JOIN public.changes AS c USING (id)
$$;
CREATE FUNCTION pg_temp.moves(at text, place bigint, name text, VARIADIC rows text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r text[];
BEGIN
    FOR i IN 1..cardinality(rows) LOOP
        r := string_to_array(rows[i], ' ');   -- key before, value before, key after, value after; "-" for no row
        PERFORM pg_temp.change(('2026-03-02 ' || at || '+00')::timestamptz, place + i - 1, name,
            CASE WHEN r[1] = '-' THEN 'CREATE' WHEN r[3] = '-' THEN 'DELETE' ELSE 'UPDATE' END,
            CASE WHEN r[1] = '-' THEN '{}' ELSE jsonb_build_object('id', r[1]::integer, 'v', r[2]) END,
            CASE WHEN r[3] = '-' THEN '{}' ELSE jsonb_build_object('id', r[3]::integer, 'v', r[4]) END);
    END LOOP;
END
$$;
SELECT pg_temp.shape(n, '{id}', pg_temp.columns('id', 'integer', 'v', 'text')) FROM unnest(ARRAY['known', 'old', 'swap', 'turn', 'twins', 'busy', 'temps', 'load', 'oldload', 'ignored', 'created']) AS n;

-- A shift of rows whose making the trail has; updated before and after it in the same transaction, in either order; and once more.
SELECT pg_temp.moves('10:00', 10, 'known', '- - 1 a', '- - 2 b', '- - 3 c');
SELECT pg_temp.moves('10:01', 20, 'known', '1 a 2 a', '2 b 3 b', '3 c 4 c');
SELECT pg_temp.moves('10:02', 30, 'known', '2 a 2 A', '2 A 3 A', '3 b 4 b', '4 c 5 c', '4 b 4 B');
SELECT pg_temp.moves('10:03', 40, 'known', '5 c 4 c', '4 B 3 B', '3 A 2 A');
SELECT is(pg_temp.was('known', '2026-03-02 10:00+00'), '1:a 2:b 3:c', 'before a shift');
SELECT is(pg_temp.was('known', '2026-03-02 10:01+00'), '2:a 3:b 4:c', 'after it');
SELECT is(pg_temp.was('known', '2026-03-02 10:02+00'), '3:A 4:B 5:c', 'after one with other changes around it');
SELECT is(pg_temp.was('known', '2026-03-02 10:03+00'), '2:A 3:B 4:c', 'and back');
SELECT is(pg_temp.singly('known', at), pg_temp.was('known', at), 'singly, ' || at)
  FROM generate_series('2026-03-02 10:00+00'::timestamptz, '2026-03-02 10:03+00', interval '1 minute') AS at;
SELECT is(pg_temp.told('known', '1'), '{10,20,30,31,42}', 'the first row''s way');
SELECT is(pg_temp.told('known', '5'), '{12,22,33,40}', 'the last row''s');
SELECT is(pg_temp.erased('known', '1'), pg_temp.told('known', '1'), 'what would be erased is that');
SELECT is(pg_temp.erased('known', '5'), pg_temp.told('known', '5'), 'of either');

-- Rows that are older than the trail: where the rows look different, they are two, which is in doubt until a later transaction shows it.
SELECT pg_temp.moves('11:00', 100, 'old', '1 a 2 a', '2 b 3 b', '3 c 4 c');
SELECT is(pg_temp.was('old', '2026-03-02 10:59+00'), '1:a 2:b? 3:c?', 'rows that are known from a shift');
SELECT is(pg_temp.was('old', '2026-03-02 11:00+00'), '2:a? 3:b? 4:c', 'after it');
SELECT is(pg_temp.singly('old', at), pg_temp.was('old', at), 'singly, ' || at) FROM unnest(ARRAY['2026-03-02 10:59+00', '2026-03-02 11:00+00']::timestamptz[]) AS at;
SELECT throws_ok($$SELECT changes.as_of('old', '2', '2026-03-02 11:00+00')$$, '55000',
    'what the record was is not certain: two rows had its key in one transaction, and which of them has left is not known', 'of a record it is an error');
SELECT is(pg_temp.told('old', '1'), '{100}', 'the first row''s way');
SELECT is(pg_temp.erased('old', '1'), '{100}', 'and no other''s is erased');
SELECT pg_temp.moves('11:01', 110, 'old', '2 a 2 A', '3 b - -');
SELECT is(pg_temp.was('old', '2026-03-02 11:01+00'), '2:A 4:c', 'later changes');
SELECT is(pg_temp.was('old', '2026-03-02 10:59+00'), '1:a 2:b 3:c', 'show what was before');
SELECT is(pg_temp.singly('old', '2026-03-02 10:59+00'), '1:a 2:b 3:c', 'singly, too');
SELECT is(pg_temp.told('old', '4'), '{102}', 'the last row''s way');

-- A swap, a rotation, in one statement each.
SELECT pg_temp.moves('12:00', 200, 'swap', '- - 1 a', '- - 2 b');
SELECT pg_temp.moves('12:01', 210, 'swap', '1 a 2 a', '2 b 1 b');
SELECT is(pg_temp.was('swap', '2026-03-02 12:01+00'), '1:b 2:a', 'a swap');
SELECT is(pg_temp.singly('swap', '2026-03-02 12:01+00'), '1:b 2:a', 'singly');
SELECT pg_temp.moves('12:02', 220, 'swap', '1 b - -');
SELECT is(pg_temp.told('swap', '1'), '{200,201,210,211,220}', 'of key 1 both rows');
SELECT pg_temp.moves('12:10', 230, 'turn', '- - 1 a', '- - 2 b', '- - 3 c');
SELECT pg_temp.moves('12:11', 240, 'turn', '1 a 2 a', '2 b 3 b', '3 c 1 c');
SELECT pg_temp.moves('12:12', 250, 'turn', '3 b 7 b');
SELECT is(pg_temp.was('turn', '2026-03-02 12:11+00'), '1:c 2:a 3:b', 'a rotation');
SELECT is(pg_temp.singly('turn', '2026-03-02 12:11+00'), '1:c 2:a 3:b', 'singly');
SELECT is(pg_temp.told('turn', '7'), '{231,241,250}', 'followed back');
SELECT is(pg_temp.erased('turn', '7'), '{231,241,250}', 'and erased');

-- Rows that look alike but for their keys.
SELECT pg_temp.moves('13:00', 300, 'twins', '- - 1 x', '- - 2 x', '- - 3 x');
SELECT pg_temp.moves('13:01', 310, 'twins', '1 x 2 x', '2 x 3 x', '3 x 4 x');
SELECT is(pg_temp.was('twins', '2026-03-02 13:01+00'), '2:x 3:x 4:x', 'as many as there were');
SELECT is(pg_temp.singly('twins', '2026-03-02 13:01+00'), '2:x 3:x 4:x', 'singly');
SELECT is(pg_temp.told('twins', '1'), '{300,310}', 'each by itself');

-- One row that passes through a key, or is made and deleted, in a transaction: nobody else was there.
SELECT pg_temp.moves('14:00', 400, 'temps', '1 a 9 a', '2 b 1 b', '9 a 2 a', '- - 5 t', '5 t 5 u', '5 u - -');
SELECT is(pg_temp.was('temps', '2026-03-02 14:00+00'), '1:b 2:a', 'a swap through a free key');
SELECT is(pg_temp.was('temps', '2026-03-02 13:59+00'), '1:a 2:b', 'before');
SELECT is(pg_temp.singly('temps', '2026-03-02 14:00+00'), '1:b 2:a', 'singly');
SELECT is(pg_temp.told('temps', '9'), '{400,402}', 'and its history');

-- What changed a row need not be in the trail (ignored columns). Where the key was known to be free, it is the same row.
SELECT pg_temp.moves('14:10', 410, 'ignored', '- - 5 a', '5 b - -');
SELECT pg_temp.moves('14:11', 420, 'ignored', '- - 5 c', '5 d - -');
SELECT is(pg_temp.was('ignored', '2026-03-02 14:11+00'), '', 'made and deleted, and changed in between without a trace');
SELECT is(pg_temp.singly('ignored', '2026-03-02 14:11+00'), '', 'singly');
SELECT is(pg_temp.was('ignored', '2026-03-02 14:09+00'), '', 'nor was one there before, as the next one who came tells');
SELECT pg_temp.moves('14:20', 430, 'created', '- - 5 a', '5 b - -');
SELECT is(pg_temp.was('created', '2026-03-02 14:20+00'), '5:a?', 'without one, nobody knows');

-- A row that is written to a key before the key's former row is changed and deleted by others (COPY): committed last, it is there.
SELECT pg_temp.moves('15:00:00.1', 500, 'load', '- - 5 first');
SELECT pg_temp.moves('15:00:00.4', 510, 'load', '- - 5 new');
SELECT pg_temp.moves('15:00:00.2', 520, 'load', '5 first 5 second');
SELECT pg_temp.moves('15:00:00.3', 530, 'load', '5 second - -');
SELECT is((SELECT array_agg(pg_temp.was('load', '2026-03-02 15:00+00'::timestamptz + s * interval '1 second') ORDER BY s) FROM unnest(ARRAY[0, 0.1, 0.2, 0.3, 0.4]) AS s),
    '{"",5:first,5:second,"",5:new}', 'not only beside the change that took the former row away');
SELECT is(pg_temp.singly('load', at), pg_temp.was('load', at), 'singly, ' || at)
  FROM generate_series('2026-03-02 15:00+00'::timestamptz, '2026-03-02 15:00:00.5+00', interval '0.1 seconds') AS at;
SELECT pg_temp.moves('15:10:00.4', 540, 'oldload', '- - 5 new');
SELECT pg_temp.moves('15:10:00.2', 550, 'oldload', '5 first 5 second');
SELECT pg_temp.moves('15:10:00.3', 560, 'oldload', '5 second - -');
SELECT is((SELECT array_agg(pg_temp.was('oldload', '2026-03-02 15:10+00'::timestamptz + s * interval '1 second') ORDER BY s) FROM unnest(ARRAY[0, 0.2, 0.3, 0.4]) AS s),
    '{5:first,5:second,"",5:new}', 'also where the former row is older than the trail');
SELECT is(pg_temp.singly('oldload', at), pg_temp.was('oldload', at), 'singly, ' || at)
  FROM generate_series('2026-03-02 15:10+00'::timestamptz, '2026-03-02 15:10:00.5+00', interval '0.1 seconds') AS at;
SELECT pg_temp.moves('15:11', 570, 'load', '5 new 6 new');
SELECT is(pg_temp.told('load', '6'), '{510,570}', 'history goes back over the others');
SELECT is(pg_temp.erased('load', '6'), '{510,570}', 'and so does an erasure');

-- Random shifts: what the trail tells is what a table with a deferrable key holds.
CREATE TABLE pg_temp.busy (id integer PRIMARY KEY DEFERRABLE INITIALLY IMMEDIATE, v text);
CREATE TABLE pg_temp.held_rows (at timestamptz, rows text);
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.moves(current_setting('test.at'), nextval('pg_temp.places'), 'busy',
        coalesce(OLD.id || ' ' || OLD.v, '- -') || ' ' || coalesce(NEW.id || ' ' || NEW.v, '- -'));
    RETURN NULL;
END
$$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON pg_temp.busy FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
CREATE SEQUENCE pg_temp.places START 10000;
DO $$
DECLARE
    choice integer;
BEGIN
    PERFORM setseed(0.4);
    FOR t IN 1..120 LOOP
        PERFORM setval('pg_temp.places', 10000 + t * 100), set_config('test.at', to_char('16:00'::time + t * interval '1 second', 'HH24:MI:SS'), true);
        FOR statement IN 1..1 + floor(random() * 3)::integer LOOP
            choice := floor(random() * 7);
            CASE choice
                WHEN 0 THEN INSERT INTO pg_temp.busy SELECT g, chr(97 + floor(random() * 3)::integer) FROM generate_series(1, 5) AS g WHERE random() < 0.5 AND NOT EXISTS (SELECT FROM pg_temp.busy AS b WHERE b.id = g);
                WHEN 1 THEN UPDATE pg_temp.busy SET id = CASE id WHEN 9 THEN 1 ELSE id + 1 END;
                WHEN 2 THEN UPDATE pg_temp.busy SET id = 10 - id;
                WHEN 3 THEN DELETE FROM pg_temp.busy WHERE random() < 0.2;
                WHEN 4 THEN UPDATE pg_temp.busy SET v = v || floor(random() * 2)::text WHERE random() < 0.3;
                WHEN 5 THEN UPDATE pg_temp.busy SET id = CASE id WHEN 1 THEN 9 ELSE id - 1 END, v = left(v, 2);
                ELSE UPDATE pg_temp.busy SET id = CASE id WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE id END;
            END CASE;
        END LOOP;
        INSERT INTO pg_temp.held_rows SELECT ('2026-03-02 ' || current_setting('test.at') || '+00')::timestamptz, coalesce(string_agg(id || ':' || v, ' ' ORDER BY id), '') FROM pg_temp.busy;
    END LOOP;
END
$$;
-- All changes that were noted at one time are of one transaction.
SET LOCAL session_replication_role = replica;
UPDATE public.changes SET transaction_id = position / 100 WHERE "table" = 'busy';
RESET session_replication_role;
SELECT is_empty($$SELECT h.at, h.rows, pg_temp.was('busy', h.at) FROM pg_temp.held_rows AS h WHERE h.rows <> pg_temp.was('busy', h.at)$$, 'a table that is shifted at random');
SELECT is_empty($$SELECT h.at, h.rows, pg_temp.singly('busy', h.at) FROM pg_temp.held_rows AS h WHERE h.rows <> pg_temp.singly('busy', h.at)$$, 'singly');
SELECT cmp_ok(count(*)::integer, '>', 400, 'of many changes') FROM public.changes WHERE "table" = 'busy';
SELECT * FROM finish();
ROLLBACK;

-- What an id knows. The ids are those of tests/unit/change_id_test.cpp, made by the code that makes all of them.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(16);

SELECT is(changes.commit_time('018fb263-407b-774b-adf1-675b64448b03'), '2024-05-26 00:53:20.123456+00'::timestamptz,
    'the commit time of a known id, to the microsecond');
SELECT is(changes.commit_time('00dc6acf-ac00-7000-8217-ce6a93fd3f16'), '2000-01-01 00:00+00'::timestamptz, 'a whole second');
SELECT is(changes.commit_time('018FB263-407B-774B-ADF1-675B64448B03'), '2024-05-26 00:53:20.123456+00'::timestamptz, 'capitals are the same id');
SELECT is(changes.commit_time(gen_random_uuid()), NULL, 'an id of version 4 has no time');
SELECT is(changes.commit_time(NULL), NULL, 'neither has NULL');
SELECT is(changes.commit_time('ffffffff-ffff-7fff-bfff-ffffffffffff'), '10889-08-02 05:31:50.656+00'::timestamptz,
    'the largest is a time, too');
SELECT is_empty(
    $$SELECT us FROM generate_series(0, 999) AS us
       WHERE changes.commit_time(('018fb263-407b-7' || lpad(to_hex(us * 4096 / 1000), 3, '0') || '-8000-000000000000')::uuid)
             <> '2024-05-26 00:53:20.123+00'::timestamptz + us * interval '1 microsecond'$$,
    'each microsecond of a millisecond comes back');
SET LOCAL timezone = 'America/St_Johns';
SELECT is(changes.commit_time('018fb263-407b-774b-adf1-675b64448b03'), '2024-05-26 00:53:20.123456+00'::timestamptz, 'in any time zone');
RESET timezone;

SELECT is(changes.sequence('018fb263-407b-774b-8cd6-9543f7eb9d78', '018fb263-407b-774b-adf1-675b64448b03'), 1::bigint,
    'the second change of a transaction comes one place after the first');
SELECT is(changes.sequence('018fb263-407b-774b-adf1-675b64448b03', '018fb263-407b-774b-8cd6-9543f7eb9d78'), -1::bigint, 'and the first one before it');
SELECT is(changes.sequence('018fb263-407b-774b-adf1-675b64448b03', '018fb263-407b-774b-adf1-675b64448b03'), 0::bigint, 'a change is at its own place');
SELECT is(changes.sequence(NULL, '018fb263-407b-774b-adf1-675b64448b03'), NULL, 'NULL has none');

-- permute() of wire/change_id.cpp, in numeric; unmixed() must undo it for any number of 62 bits.
CREATE FUNCTION pg_temp.permuted(n bigint) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    modulus numeric := 2::numeric ^ 62;
    x bigint := n # (n >> 31);
BEGIN
    x := (x * 13787848793156543929::numeric) % modulus;
    x := x # (x >> 29);
    x := (x * 10723151780598845931::numeric) % modulus;
    x := x # (x >> 31);
    RETURN ('018fb263-407b-774b-' || substr(h, 1, 4) || '-' || substr(h, 5))::uuid
      FROM (SELECT lpad(to_hex(x | (-9223372036854775808)), 16, '0') AS h) AS t;
END
$$;
SELECT is_empty(
    $$SELECT n FROM (SELECT (random() * 4611686018427387903)::bigint & 4611686018427387903 AS n FROM generate_series(1, 500)) AS r
       WHERE changes.unmixed(pg_temp.permuted(n)) <> n$$, 'what the random bits were made from comes back');
SELECT is(changes.unmixed(pg_temp.permuted(4611686018427387903)), 4611686018427387903, 'the largest number, too');
SELECT is(changes.sequence(pg_temp.permuted(3), pg_temp.permuted(4611686018427387901)), 6::bigint, 'the numbering goes round');
SELECT is(
    (SELECT array_agg(n ORDER BY changes.sequence(pg_temp.permuted(n), pg_temp.permuted(1000))) FROM generate_series(990, 1010) AS n),
    (SELECT array_agg(n) FROM generate_series(990, 1010) AS n), 'it orders the changes of a transaction');

SELECT * FROM finish();
ROLLBACK;

-- What an id knows: docs/wire_format.md, "Identity of a change", has its parts. committed_at is truncated to the second; the
-- id has the microseconds.
--
-- Its body is parsed when the function is made (RETURN), so no search_path leads it astray, and none is pinned: a SET clause would keep the server
-- from putting the expression into the query that calls it, for every row of which it would be called instead. So would STRICT, and so would
-- timestamptz + interval, which is not immutable.
CREATE FUNCTION changes.commit_time(id uuid)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN substr(id::text, 15, 1) = '7' THEN (
    '1970-01-01 00:00:00'::timestamp
    + (('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint / 1000) * interval '1 second'
    + (('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint % 1000 * 1000
       + (('x' || substr(id::text, 16, 3))::bit(12)::integer * 1000 + 4095) / 4096) * interval '1 microsecond') AT TIME ZONE 'UTC'
END;

COMMENT ON FUNCTION changes.commit_time(uuid) IS
'Returns the commit time that the id of a change holds, to the microsecond, by the clock of the source; NULL for an id that is no
UUID of version 7. Errors: none.
Example: SELECT id, changes.commit_time(id) FROM public.changes ORDER BY id LIMIT 10;';

-- rand_b of an id is permute(offset + sequence), and permute can be undone step by step (wire/change_id.cpp): an xor with the
-- value shifted by 31 of 62 bits is its own inverse, one by 29 needs a second round, and an odd factor has an inverse modulo
-- 2^62. The offset is a hash that nobody here knows; it falls out of the difference of two ids of one transaction.
CREATE FUNCTION changes.unmixed(id uuid)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    modulus CONSTANT numeric := 4611686018427387904;                 -- 2^62
    first_inverse CONSTANT numeric := 1647784300320493705;           -- of 0xBF58476D1CE4E5B9
    second_inverse CONSTANT numeric := 3573116690164977347;          -- of 0x94D049BB133111EB
    x bigint := ('x' || substr(id::text, 20, 4) || substr(id::text, 25, 12))::bit(64)::bigint & 4611686018427387903;
BEGIN
    x := x # (x >> 31);
    x := (x * second_inverse) % modulus;
    x := x # (x >> 29) # (x >> 58);
    x := (x * first_inverse) % modulus;
    RETURN x # (x >> 31);
END
$$;

COMMENT ON FUNCTION changes.unmixed(uuid) IS
'Internal. Returns what the random bits of a change''s id were made from: a number of its transaction plus the change''s sequence,
modulo 2^62. Errors: none. Example: SELECT changes.unmixed(''018fb263-407b-774b-adf1-675b64448b03'');';

CREATE FUNCTION changes.sequence(id uuid, other uuid)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    distance bigint := (changes.unmixed(id) - changes.unmixed(other)) & 4611686018427387903;
BEGIN
    RETURN CASE WHEN distance >= 2305843009213693952 THEN distance - 4611686018427387904 ELSE distance END;
END
$$;

COMMENT ON FUNCTION changes.sequence(uuid, uuid) IS
'Internal. Returns by how many places the first change comes after the second in the transaction of both: it orders changes that
share a position. Without meaning for changes of two transactions. Errors: none.
Example: SELECT changes.sequence(''018fb263-407b-774b-8cd6-9543f7eb9d78'', ''018fb263-407b-774b-adf1-675b64448b03'');';

\echo Use "CREATE EXTENSION waltrail" to load this file. \quit

-- The install script of waltrail. It makes functions and procedures and nothing else: whatever a
-- script makes is a member of the extension and goes with DROP EXTENSION, and a trail must not.
-- CREATE, never CREATE OR REPLACE: a function that somebody else left in the schema is an error.
-- Where pg_partman is and which one. CREATE EXTENSION ... CASCADE puts it into whatever schema comes
-- first on the path, `waltrail init` into "partman"; versions 4 and 5 differ in their signatures.
--
-- Rules for every caller of pg_partman, learnt from its source:
--  * Its functions put their own schema and pg_temp before the search_path they find. With
--    'pg_catalog' written in that path, everything in pg_partman's schema (perhaps public) and in
--    pg_temp would mask it; with an empty path, pg_temp would. Callers therefore pin search_path = pg_temp:
--    pg_catalog is then implicitly first, and functions are never looked for in pg_temp.
--  * They set search_path for the session, not for the transaction, and so defeat the SET clause of
--    the function that calls them: its pinned value stays behind. The outermost functions, setup()
--    and maintain(), therefore have no such clause; they remember the caller's path and put it back.
--  * Partition bounds and names follow the session's TimeZone: callers pin UTC.
CREATE FUNCTION changes.partman(OUT schema name, OUT major integer)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT n.nspname, split_part(e.extversion, '.', 1)::integer
      INTO schema, major
      FROM pg_catalog.pg_extension AS e
      JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_partman';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'extension "pg_partman" is not installed'
            USING ERRCODE = 'undefined_object',
                  HINT = 'Run CREATE EXTENSION pg_partman.';
    END IF;
    IF major NOT IN (4, 5) THEN
        RAISE EXCEPTION 'version % of extension "pg_partman" is not supported', major
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Versions 4.7 and 5 are supported.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.partman() IS
'Internal. Returns the schema and the major version of the installed pg_partman.
Errors: 42704 where it is not installed, 0A000 for a major version other than 4 and 5.
Example: SELECT schema, major FROM changes.partman();';
-- setup() and maintain() change the same partitions and must not do so at once. The lock belongs to
-- the transaction, not to the session: maintain() commits between its steps and takes it anew for
-- each, so a cancelled run leaves no lock behind in a pooled session.
CREATE FUNCTION changes.lock_trail(wait boolean)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key CONSTANT bigint := hashtextextended('waltrail: public.changes', 0);
BEGIN
    IF wait THEN
        PERFORM pg_advisory_xact_lock(key);
        RETURN true;
    END IF;
    RETURN pg_try_advisory_xact_lock(key);
END
$$;

COMMENT ON FUNCTION changes.lock_trail(boolean) IS
'Internal. Takes the advisory lock of setup() and maintain() until the end of the transaction and
returns true; without wait, returns false where another session holds it. Errors: none of its own.
Example: SELECT changes.lock_trail(wait => false);';
-- One place that decides what a retention is:
--
--   text                              | result
--   ----------------------------------+---------------------------------------------
--   'unlimited', in any case          | NULL: nothing is ever dropped
--   an interval of more than nothing  | that interval
--   a bare number                     | error: PostgreSQL would read '15' as 15 seconds
--   anything else, NULL included      | error
CREATE FUNCTION changes.parse_retention(retention text)
RETURNS interval
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    kept interval;
BEGIN
    IF lower(btrim(retention)) = 'unlimited' THEN
        RETURN NULL;
    END IF;
    BEGIN
        kept := retention::interval;
        IF kept > interval '0' AND retention !~ '^[\s\d.+-]*$'
           AND isfinite(now() - kept) THEN
            RETURN kept;
        END IF;
    EXCEPTION
        WHEN invalid_datetime_format OR datetime_field_overflow OR interval_field_overflow THEN
            NULL;
    END;
    RAISE EXCEPTION 'invalid retention %', coalesce('"' || retention || '"', 'NULL')
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'Give an interval with its unit, such as ''15 days'' or ''30 days'', or ''unlimited''.';
END
$$;

COMMENT ON FUNCTION changes.parse_retention(text) IS
'Internal. Returns how long changes are kept, as an interval; NULL for ''unlimited''.
Errors: 22023 for anything but ''unlimited'' and a positive interval with a unit.
Example: SELECT changes.parse_retention(''30 days'');';
-- The partitions as the catalog has them. Bounds are read from the catalog, never from pg_partman's
-- names, so partitions of any version, and ones made by hand, are understood alike.
CREATE FUNCTION changes.partitions(
    OUT partition regclass,
    OUT lower_bound timestamptz,
    OUT upper_bound timestamptz,
    OUT is_default boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid::regclass,
           CASE WHEN b.bound <> 'DEFAULT'
                THEN coalesce(substring(b.bound FROM $re$FROM \('([^']+)'\)$re$), '-infinity')::timestamptz
           END,
           CASE WHEN b.bound <> 'DEFAULT'
                THEN coalesce(substring(b.bound FROM $re$TO \('([^']+)'\)$re$), 'infinity')::timestamptz
           END,
           b.bound = 'DEFAULT'
      FROM pg_catalog.pg_inherits AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
     CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid)) AS b (bound)
     WHERE i.inhparent = to_regclass('public.changes')
     ORDER BY 2 NULLS LAST;
END
$$;

COMMENT ON FUNCTION changes.partitions() IS
'Returns the partitions of public.changes in the order of their bounds, the default partition last:
the lower bound belongs to the partition, the upper one does not; both are NULL for the default
partition. No rows before changes.setup(). Errors: none of its own.
Example: SELECT * FROM changes.partitions();';
-- What a partition must not keep of its making: what default privileges granted, and, in a database that is a source too, the
-- REPLICA IDENTITY FULL of the event trigger of `waltrail init`. pg_partman makes a table first and attaches it then, so the trigger cannot
-- know it for a partition of the trail; every row that leaves it would be logged whole, and nobody reads that.
CREATE FUNCTION changes.settle_partition(partition regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC', partition);
    IF EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = partition AND c.relreplident = 'f') THEN
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', partition);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.settle_partition(regclass) IS
'Internal. Takes from a partition of public.changes what PUBLIC may do with it, and REPLICA IDENTITY FULL.
Returns nothing. Errors: 42501 where the partition is not the caller''s.
Example: SELECT changes.settle_partition(p.partition) FROM changes.partitions() AS p;';
-- Makes public.changes, empty and without partitions. The columns, their types and their order are a
-- promise to queries and ORM models (docs/architecture.md); trail_problem() checks them afterwards.
--
--  * Times have no fraction, and a cast to timestamptz(0) rounds: the defaults truncate first, so that
--    a change never lies in the future of the reader who made it.
--  * A primary key of a partitioned table must hold the partition column.
--  * Every index is paid at every insert. There is none on "operation" or "table" alone: no query is
--    answered well by them. jsonb_path_ops answers @> and @? with a value, not a bare key test.
--  * A pending list of GIN is read by every query: its size is pinned, not left to the server's settings.
CREATE FUNCTION changes.create_trail()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CREATE TABLE public.changes (
        id             uuid           NOT NULL DEFAULT gen_random_uuid(),
        database       varchar(255)   NOT NULL,
        schema         varchar(255)   NOT NULL,
        "table"        varchar(255)   NOT NULL,
        primary_key    varchar(255),
        operation      text           NOT NULL,
        before         jsonb          NOT NULL DEFAULT '{}',
        after          jsonb          NOT NULL DEFAULT '{}',
        context        jsonb          NOT NULL DEFAULT '{}',
        committed_at   timestamptz(0) NOT NULL DEFAULT date_trunc('second', now()),
        queued_at      timestamptz(0) NOT NULL DEFAULT date_trunc('second', now()),
        created_at     timestamptz(0) NOT NULL DEFAULT date_trunc('second', now()),
        transaction_id bigint         NOT NULL,
        position       bigint         NOT NULL,
        CONSTRAINT changes_pkey PRIMARY KEY (id, committed_at)
    ) PARTITION BY RANGE (committed_at);

    CREATE INDEX changes_record_idx ON public.changes
        USING btree ("table", primary_key, position);
    CREATE INDEX changes_order_idx ON public.changes
        USING brin (committed_at, position, transaction_id);
    CREATE INDEX changes_before_idx ON public.changes
        USING gin (before jsonb_path_ops) WITH (gin_pending_list_limit = 4096);
    CREATE INDEX changes_after_idx ON public.changes
        USING gin (after jsonb_path_ops) WITH (gin_pending_list_limit = 4096);
    CREATE INDEX changes_context_idx ON public.changes
        USING gin (context jsonb_path_ops) WITH (gin_pending_list_limit = 4096);

    REVOKE ALL ON TABLE public.changes FROM PUBLIC;
    PERFORM changes.comment_trail();
END
$$;

COMMENT ON FUNCTION changes.create_trail() IS
'Internal. Makes public.changes and its indexes, without partitions. Returns nothing.
Errors: 42P07 where it exists. Example: SELECT changes.create_trail();';

CREATE FUNCTION changes.comment_trail()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    COMMENT ON TABLE public.changes IS 'One row for every change of a row in a source database (waltrail).';
    COMMENT ON COLUMN public.changes.id IS 'Unique; computed from the source, the commit and the change''s place in it.';
    COMMENT ON COLUMN public.changes.database IS 'Label of the source (changes.sources); its database''s name by default.';
    COMMENT ON COLUMN public.changes.schema IS 'Schema of the changed table.';
    COMMENT ON COLUMN public.changes."table" IS 'The changed table; the root, where a partition was changed.';
    COMMENT ON COLUMN public.changes.primary_key IS
        'Value of the primary key after the change (before it, for a DELETE); ROW(a,b)::text for several columns; NULL where unknown or past 255 characters.';
    COMMENT ON COLUMN public.changes.operation IS 'CREATE, UPDATE, DELETE or TRUNCATE.';
    COMMENT ON COLUMN public.changes.before IS
        'The row before the change, as much of it as the WAL held; {} where there is none.';
    COMMENT ON COLUMN public.changes.after IS
        'The row after the change; {} where there is none. An unchanged TOAST value that the WAL did not hold has no key.';
    COMMENT ON COLUMN public.changes.context IS 'What the application said about the change; {} where it said nothing.';
    COMMENT ON COLUMN public.changes.committed_at IS 'Commit time on the source, truncated to the second.';
    COMMENT ON COLUMN public.changes.queued_at IS 'When the change was decoded, truncated to the second.';
    COMMENT ON COLUMN public.changes.created_at IS 'When this row was written, truncated to the second.';
    COMMENT ON COLUMN public.changes.transaction_id IS 'Transaction id on the source, 64 bits, as pg_current_xact_id() gives it.';
    COMMENT ON COLUMN public.changes.position IS 'LSN of the change''s WAL record as a number; orders the changes of a row.';
END
$$;

COMMENT ON FUNCTION changes.comment_trail() IS
'Internal. Writes the comments on public.changes and its columns. Returns nothing.
Errors: 42P01 where the table does not exist. Example: SELECT changes.comment_trail();';
-- setup() must never take over a table that only happens to be called public.changes, and must notice
-- a trail whose columns somebody has altered. The list below is the promise of docs/architecture.md.
CREATE FUNCTION changes.trail_problem()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trail CONSTANT oid := to_regclass('public.changes');
    promised CONSTANT text[] := ARRAY[
        'id uuid NOT NULL',
        'database character varying(255) NOT NULL',
        'schema character varying(255) NOT NULL',
        'table character varying(255) NOT NULL',
        'primary_key character varying(255)',
        'operation text NOT NULL',
        'before jsonb NOT NULL',
        'after jsonb NOT NULL',
        'context jsonb NOT NULL',
        'committed_at timestamp(0) with time zone NOT NULL',
        'queued_at timestamp(0) with time zone NOT NULL',
        'created_at timestamp(0) with time zone NOT NULL',
        'transaction_id bigint NOT NULL',
        'position bigint NOT NULL'];
    actual text[];
BEGIN
    IF trail IS NULL THEN
        RETURN 'It does not exist.';
    END IF;
    IF pg_get_partkeydef(trail) IS DISTINCT FROM 'RANGE (committed_at)' THEN
        RETURN 'It is not a table partitioned by range of "committed_at".';
    END IF;
    actual := ARRAY(
        SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = trail AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum);
    RETURN (
        SELECT format('Column %s is "%s", where a trail has "%s".',
                      u.place, coalesce(u.actual, 'missing'), coalesce(u.promised, 'no column'))
          FROM unnest(actual, promised) WITH ORDINALITY AS u (actual, promised, place)
         WHERE u.actual IS DISTINCT FROM u.promised
         ORDER BY u.place
         LIMIT 1);
END
$$;

COMMENT ON FUNCTION changes.trail_problem() IS
'Internal. Returns a sentence that says what is wrong with public.changes, NULL where nothing is.
Errors: none of its own. Example: SELECT changes.trail_problem();';
-- Makes the tables beside the trail, in the schema "changes" (docs/architecture.md has their columns).
-- Each is made where it is missing, so that a later version can add one. Ranges of a source never
-- overlap; "applied" is updated with every batch and keeps room in its pages for that.
CREATE FUNCTION changes.create_records()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $$
BEGIN
    CREATE TABLE IF NOT EXISTS changes.settings (
        name  text PRIMARY KEY,
        value text NOT NULL
    );
    CREATE TABLE IF NOT EXISTS changes.sources (
        id                integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        label             varchar(255) NOT NULL UNIQUE,
        system_identifier bigint NOT NULL,
        database_oid      oid NOT NULL,
        database_name     name NOT NULL,
        slot_name         name NOT NULL,
        registered_at     timestamptz NOT NULL DEFAULT now(),
        UNIQUE (system_identifier, database_oid, slot_name)
    );
    CREATE TABLE IF NOT EXISTS changes.applied (
        source_id           integer NOT NULL REFERENCES changes.sources,
        start_lsn           pg_lsn NOT NULL,
        end_lsn             pg_lsn NOT NULL,
        timeline            integer NOT NULL,
        last_commit_lsn     pg_lsn,
        last_end_lsn        pg_lsn,
        last_transaction_id bigint,
        last_committed_at   timestamptz,
        changes             bigint NOT NULL DEFAULT 0,
        marked              bigint NOT NULL DEFAULT 0,
        recorded_at         timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (source_id, start_lsn),
        CHECK (start_lsn <= end_lsn)
    ) WITH (fillfactor = 50);
    CREATE TABLE IF NOT EXISTS changes.relations (
        source_id        integer NOT NULL REFERENCES changes.sources,
        relation_oid     oid NOT NULL,
        from_position    bigint NOT NULL,
        schema           varchar(255) NOT NULL,
        "table"          varchar(255) NOT NULL,
        leaf_schema      varchar(255) NOT NULL,
        leaf_table       varchar(255) NOT NULL,
        replica_identity "char" NOT NULL,
        columns          jsonb NOT NULL,
        key_columns      text[] NOT NULL,
        PRIMARY KEY (source_id, relation_oid, from_position)
    );
    CREATE TABLE IF NOT EXISTS changes.gaps (
        id        bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        source_id integer NOT NULL REFERENCES changes.sources,
        start_lsn pg_lsn NOT NULL,
        end_lsn   pg_lsn NOT NULL,
        reason    text NOT NULL,
        noted_at  timestamptz NOT NULL DEFAULT now(),
        noted_by  name NOT NULL DEFAULT current_user
    );
    CREATE TABLE IF NOT EXISTS changes.quarantine (
        id             uuid NOT NULL,
        part           integer NOT NULL DEFAULT 0,
        source_id      integer NOT NULL REFERENCES changes.sources,
        commit_lsn     pg_lsn NOT NULL,
        sequence       bigint NOT NULL,
        schema         varchar(255) NOT NULL,
        "table"        varchar(255) NOT NULL,
        operation      text NOT NULL,
        sqlstate       text NOT NULL,
        error          text NOT NULL,
        frame          bytea NOT NULL,
        quarantined_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (id, part),
        UNIQUE (source_id, commit_lsn, sequence, part)
    );
    REVOKE ALL ON TABLE changes.settings, changes.sources, changes.applied, changes.relations,
        changes.gaps, changes.quarantine FROM PUBLIC;
    PERFORM changes.comment_records();
END
$$;

COMMENT ON FUNCTION changes.create_records() IS
'Internal. Makes the tables beside the trail that are missing. Returns nothing.
Errors: none of its own. Example: SELECT changes.create_records();';

CREATE FUNCTION changes.comment_records()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    COMMENT ON TABLE changes.settings IS
        'Settings of the trail by name. "retention": ''unlimited'' or an interval; change it with changes.setup().';
    COMMENT ON TABLE changes.sources IS 'One row per source database.';
    COMMENT ON TABLE changes.applied IS 'The ranges of LSNs, [start_lsn, end_lsn), that are in the trail.';
    COMMENT ON TABLE changes.relations IS 'What a source''s table looked like from which position on.';
    COMMENT ON TABLE changes.gaps IS 'Ranges that are missing because an operator chose to go on without them.';
    COMMENT ON TABLE changes.quarantine IS 'Rows that the destination refused, whole, to be looked at and written later.';
END
$$;

COMMENT ON FUNCTION changes.comment_records() IS
'Internal. Writes the comments on the tables beside the trail. Returns nothing.
Errors: 42P01 where one does not exist. Example: SELECT changes.comment_records();';
-- Puts public.changes under pg_partman, which makes partitions and does nothing else here.
--
--   partitions | row in part_config | what is done
--   -----------+--------------------+----------------------------------------------------------------
--   no         | no                 | create_parent()
--   no         | yes                | the row is of a table that is gone: deleted, then create_parent()
--   yes        | no                 | pg_partman was made anew: the row is written, since create_parent()
--              |                    | would stumble over the default partition
--   yes        | yes                | nothing
--
--  * Only maintain() drops: pg_partman's own retention stays NULL, its automatic maintenance off.
--  * infinite_time_partitions and ignore_default_data: should somebody run pg_partman's maintenance
--    all the same, an idle source still gets its partitions, and a row dated in the year 2999
--    does not make it create partitions until then.
CREATE FUNCTION changes.register_partitions()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET intervalstyle = 'postgres'
SET client_min_messages = 'warning'
AS $$
DECLARE
    partman record;
    is_known boolean;
BEGIN
    partman := changes.partman();
    IF NOT EXISTS (SELECT FROM changes.partitions()) THEN
        EXECUTE format('DELETE FROM %I.part_config WHERE parent_table = ''public.changes''', partman.schema);
        EXECUTE format(
            'SELECT %I.create_parent(p_parent_table := ''public.changes'', p_control := ''committed_at'',
                                     p_type := $1, p_interval := $2, p_premake := 4, p_jobmon := false)',
            partman.schema)
          USING CASE partman.major WHEN 4 THEN 'native' ELSE 'range' END,
                CASE partman.major WHEN 4 THEN 'daily' ELSE '1 day' END;
    END IF;
    IF NOT EXISTS (SELECT FROM changes.partitions() AS p WHERE p.is_default) THEN
        CREATE TABLE public.changes_default PARTITION OF public.changes DEFAULT;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.part_config WHERE parent_table = ''public.changes'')',
                   partman.schema)
       INTO is_known;
    IF NOT is_known THEN
        EXECUTE format(
            'INSERT INTO %I.part_config (parent_table, control, partition_type, partition_interval, datetime_string)
             VALUES (''public.changes'', ''committed_at'', $1, ''1 day'', $2)', partman.schema)
          USING CASE partman.major WHEN 4 THEN 'native' ELSE 'range' END,
                CASE partman.major WHEN 4 THEN 'YYYY_MM_DD' ELSE 'YYYYMMDD' END;
    END IF;
    EXECUTE format(
        'UPDATE %I.part_config
            SET retention = NULL, automatic_maintenance = ''off'', jobmon = false,
                infinite_time_partitions = true, ignore_default_data = true
          WHERE parent_table = ''public.changes''', partman.schema);
END
$$;

COMMENT ON FUNCTION changes.register_partitions() IS
'Internal. Puts public.changes under pg_partman, with daily partitions from four days ago to four
days ahead and a default partition where there are none. Returns nothing. Leaves search_path changed
for the session (see changes.partman): its callers put it back.
Errors: those of changes.partman() and of pg_partman. Example: SELECT changes.register_partitions();';
-- A schema "changes" may have been there before, with tables of others: setup() must not take one of them for its own. Columns
-- that a later version adds are not asked for, so that it can add them.
CREATE FUNCTION changes.records_problem()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem text;
BEGIN
    SELECT format('Relation "changes.%s" has no column "%s".', r.name, u.column_name)
      INTO problem
      FROM (VALUES
               ('settings', ARRAY['name', 'value']),
               ('sources', ARRAY['id', 'label', 'system_identifier', 'database_oid', 'database_name', 'slot_name']),
               ('applied', ARRAY['source_id', 'start_lsn', 'end_lsn', 'timeline']),
               ('relations', ARRAY['source_id', 'relation_oid', 'from_position', 'columns', 'key_columns']),
               ('gaps', ARRAY['id', 'source_id', 'start_lsn', 'end_lsn', 'reason']),
               ('quarantine', ARRAY['id', 'source_id', 'commit_lsn', 'sequence', 'sqlstate', 'frame'])
           ) AS r (name, columns)
      JOIN pg_catalog.pg_class AS c
        ON c.relname = r.name AND c.relnamespace = 'changes'::regnamespace
     CROSS JOIN LATERAL unnest(r.columns) WITH ORDINALITY AS u (column_name, place)
     WHERE NOT EXISTS (
               SELECT FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = u.column_name AND NOT a.attisdropped)
     ORDER BY r.name, u.place
     LIMIT 1;
    RETURN problem;
END
$$;

COMMENT ON FUNCTION changes.records_problem() IS
'Internal. Returns a sentence that says which relation of schema "changes" has the name of one of waltrail''s and is none, NULL where
there is no such. Errors: none of its own. Example: SELECT changes.records_problem();';
-- Makes the trail, or completes what is missing of it: may be called again at any time and after every
-- upgrade, and keeps the data. Everything happens in the caller's transaction: all of it or nothing.
-- Indexes are made with the table only; one that an operator dropped on purpose stays away.

-- setup() itself has no SET search_path, because of pg_partman (see changes.partman): it does nothing
-- that a search_path could lead astray, and puts the caller's back.
CREATE FUNCTION changes.setup(retention text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    caller_search_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
    PERFORM changes.setup_pinned(retention);
    PERFORM pg_catalog.set_config('search_path', caller_search_path, false);
END
$$;

COMMENT ON FUNCTION changes.setup(text) IS
'Makes the table public.changes with daily partitions (UTC) and the tables beside it, or completes
them. Returns nothing; may be called again, and keeps all data. retention is how long changes are kept:
an interval, or ''unlimited''; without it the retention stays as it is, 30 days at first.
Errors: 22023 for another retention; 42P07 where public.changes exists and is no trail, or schema "changes"
holds a relation with the name of one of waltrail''s; 42704 without pg_partman. Sets search_path to itself
for the session, even where it was set for the transaction.
Example: SELECT changes.setup(retention => ''30 days'');';

CREATE FUNCTION changes.setup_pinned(retention text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    kept text;
    problem text;
BEGIN
    IF retention IS NOT NULL THEN
        kept := coalesce(changes.parse_retention(retention)::text, 'unlimited');
    END IF;
    PERFORM changes.lock_trail(wait => true);
    IF to_regclass('public.changes') IS NULL THEN
        PERFORM changes.create_trail();
    END IF;
    problem := changes.trail_problem();
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'relation "public.changes" exists and is not a trail'
            USING ERRCODE = 'duplicate_table',
                  DETAIL = problem,
                  HINT = 'Rename or move that relation, then call changes.setup() again.';
    END IF;
    problem := changes.records_problem();
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'schema "changes" holds relations that are not of waltrail'
            USING ERRCODE = 'duplicate_table',
                  DETAIL = problem,
                  HINT = 'Rename or move that relation, then call changes.setup() again.';
    END IF;
    PERFORM changes.create_records();
    PERFORM changes.register_partitions();
    PERFORM changes.settle_partition(p.partition) FROM changes.partitions() AS p;
    INSERT INTO changes.settings AS s (name, value)
    VALUES ('retention', coalesce(kept, '30 days'))
        ON CONFLICT (name) DO UPDATE SET value = coalesce(kept, s.value);
END
$$;

COMMENT ON FUNCTION changes.setup_pinned(text) IS
'Internal. What changes.setup() does, under pinned settings; leaves search_path changed for the session.
Returns nothing. Errors: as changes.setup(). Example: SELECT changes.setup_pinned(''30 days'');';
-- The time before which changes are past their retention. It is counted back from the newest change
-- that was applied, where that is older than now: while nothing is applied, because the source is away or
-- because this server's clock ran ahead, the trail does not melt. Truth table:
--
--   retention  | applied time known | cutoff
--   -----------+--------------------+-------------------------------------------
--   unlimited  | any                | NULL
--   interval   | no                 | NULL: there is nothing to count from
--   interval   | yes                | least(now, newest applied time) - interval
CREATE FUNCTION changes.retention_cutoff()
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    kept interval;
    newest timestamptz;
BEGIN
    SELECT changes.parse_retention(s.value) INTO kept
      FROM changes.settings AS s WHERE s.name = 'retention';
    SELECT max(a.last_committed_at) INTO newest FROM changes.applied AS a;
    RETURN CASE WHEN newest IS NOT NULL THEN least(now(), newest) - kept END;
END
$$;

COMMENT ON FUNCTION changes.retention_cutoff() IS
'Returns the time before which changes are past their retention: the retention, counted back from now or
from the newest applied commit, whichever is earlier. NULL where nothing is: the retention is unlimited,
or nothing was applied yet. Errors: 42P01 before changes.setup().
Example: SELECT changes.retention_cutoff();';
-- Which days need a partition. Days are UTC days, given by their first instant. pg_partman's own
-- maintenance is not asked: it only counts on from the newest partition, so one partition far in the
-- future stops it, and one row in the default partition for a day to be made fails its whole run.

CREATE FUNCTION changes.premake_end()
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    partman record;
    premake integer;
BEGIN
    partman := changes.partman();
    EXECUTE format('SELECT premake FROM %I.part_config WHERE parent_table = ''public.changes''', partman.schema)
       INTO premake;
    IF premake IS NULL THEN
        RAISE EXCEPTION 'table "public.changes" is not known to pg_partman'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Call changes.setup() again.';
    END IF;
    RETURN date_trunc('day', now()) + make_interval(days => premake + 1);
END
$$;

COMMENT ON FUNCTION changes.premake_end() IS
'Internal. Returns the first instant that needs no partition yet: premake days (pg_partman''s
part_config) after the end of this UTC day. Errors: 55000 where pg_partman does not know the table.
Example: SELECT changes.premake_end();';

-- Days of rows in the default partition. Rows beyond the days made ahead stay there until their time
-- comes: a partition for each wrong clock is no gain. Rows past their retention stay for drop_expired().
-- The newest days come first; a run takes no more than days_max.
CREATE FUNCTION changes.default_days()
RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    days_max CONSTANT integer := 100;
    default_partition regclass;
BEGIN
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT DISTINCT date_trunc(''day'', d.committed_at) AS day
           FROM ONLY %s AS d
          WHERE d.committed_at < $1 AND d.committed_at >= $2 AND isfinite(d.committed_at)
          ORDER BY day DESC
          LIMIT $3', default_partition)
      USING changes.premake_end(),
            coalesce(date_trunc('day', changes.retention_cutoff()), '-infinity'),
            days_max;
END
$$;

COMMENT ON FUNCTION changes.default_days() IS
'Internal. Returns the UTC days, newest first and at most 100, whose rows are to leave the default
partition. Errors: those of changes.premake_end(). Example: SELECT changes.default_days();';

-- Days from four back (a writer that lags) to premake ahead that no partition holds yet.
CREATE FUNCTION changes.missing_days()
RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    days_back CONSTANT integer := 4;
BEGIN
    RETURN QUERY
    SELECT d.day
      FROM generate_series(date_trunc('day', now()) - make_interval(days => days_back),
                           changes.premake_end() - interval '1 day',
                           interval '1 day') AS d (day)
     WHERE d.day >= coalesce(date_trunc('day', changes.retention_cutoff()), '-infinity')
       AND NOT EXISTS (
               SELECT FROM changes.partitions() AS p
                WHERE p.lower_bound < d.day + interval '1 day' AND p.upper_bound > d.day)
     ORDER BY d.day;
END
$$;

COMMENT ON FUNCTION changes.missing_days() IS
'Internal. Returns the UTC days from four days ago to premake days ahead that have no partition.
Errors: those of changes.premake_end(). Example: SELECT changes.missing_days();';
-- Makes the partition of one UTC day and moves that day's rows into it out of the default partition,
-- which PostgreSQL would otherwise refuse. One transaction: no reader sees a row twice or not at all.
-- Locks are taken parent first, as ATTACH does, and before the rows are read, so that no row slips into
-- the default partition meanwhile. Whoever needs the default partition waits while rows are moved;
-- nobody waits longer than lock_timeout for us to get the locks.
CREATE FUNCTION changes.make_partition(day timestamptz)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET intervalstyle = 'postgres'
SET client_min_messages = 'warning'
SET lock_timeout = '100ms'
AS $$
DECLARE
    partman record;
    default_partition regclass;
    made regclass;
    moved bigint := 0;
BEGIN
    partman := changes.partman();
    LOCK TABLE ONLY public.changes IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', default_partition);
        CREATE TEMPORARY TABLE changes_moved (LIKE public.changes) ON COMMIT DROP;
        EXECUTE format(
            'WITH gone AS (DELETE FROM ONLY %s WHERE committed_at >= $1 AND committed_at < $2 RETURNING *)
             INSERT INTO pg_temp.changes_moved SELECT * FROM gone', default_partition)
          USING day, day + interval '1 day';
        GET DIAGNOSTICS moved = ROW_COUNT;
    END IF;
    EXECUTE format(
        CASE partman.major
            WHEN 4 THEN 'SELECT %I.create_partition_time(''public.changes'', ARRAY[$1], p_analyze := false)'
            ELSE 'SELECT %I.create_partition_time(''public.changes'', ARRAY[$1])'
        END, partman.schema)
      USING day;
    -- pg_partman says nothing where a table that is no partition has the name already.
    SELECT p.partition INTO made FROM changes.partitions() AS p
     WHERE p.lower_bound = day AND p.upper_bound = day + interval '1 day';
    IF made IS NULL THEN
        RAISE EXCEPTION 'pg_partman made no partition for %', day
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Look for a table in schema "public" that has the partition''s name.';
    END IF;
    PERFORM changes.settle_partition(made);
    IF default_partition IS NOT NULL THEN
        INSERT INTO public.changes SELECT * FROM pg_temp.changes_moved;
        DROP TABLE pg_temp.changes_moved;
    END IF;
    RETURN moved;
END
$$;

COMMENT ON FUNCTION changes.make_partition(timestamptz) IS
'Internal. Makes the partition of the UTC day that starts at the given instant and returns the number of
rows that moved into it from the default partition. Leaves search_path changed for the session.
Errors: 55P03 where a lock was not had within 100 ms; 55000 where the name is taken; those of pg_partman.
Example: SELECT changes.make_partition(''2026-01-31 00:00:00+00'');';
-- What is past the retention, and dropping it. A partition goes when all of its range is past; rows
-- of the default partition go by the same days. DROP TABLE needs ACCESS EXCLUSIVE on the parent too: a
-- wait for it behind a long reader would stop every writer, hence the short lock_timeout.

CREATE FUNCTION changes.expired_partitions()
RETURNS SETOF regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    cutoff CONSTANT timestamptz := changes.retention_cutoff();
    default_partition regclass;
    has_expired boolean;
BEGIN
    RETURN QUERY
    SELECT p.partition FROM changes.partitions() AS p
     WHERE p.upper_bound <= cutoff ORDER BY p.upper_bound;
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NOT NULL AND cutoff IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s WHERE committed_at < $1)', default_partition)
           INTO has_expired USING date_trunc('day', cutoff);
        IF has_expired THEN
            RETURN NEXT default_partition;
        END IF;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.expired_partitions() IS
'Internal. Returns the partitions all of whose range is past the retention, oldest first, and last the
default partition where it holds rows that are. Errors: those of changes.retention_cutoff().
Example: SELECT changes.expired_partitions();';

CREATE FUNCTION changes.drop_expired(expired regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '100ms'
AS $$
DECLARE
    cutoff CONSTANT timestamptz := changes.retention_cutoff();
    target record;
BEGIN
    LOCK TABLE ONLY public.changes IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT p.* INTO target FROM changes.partitions() AS p WHERE p.partition = expired;
    IF target.is_default THEN
        EXECUTE format('DELETE FROM ONLY %s WHERE committed_at < $1', expired)
          USING date_trunc('day', cutoff);
    ELSIF target.upper_bound <= cutoff THEN
        EXECUTE format('DROP TABLE %s', expired);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.drop_expired(regclass) IS
'Internal. Drops the given partition of public.changes, for the default partition its rows, if past the
retention; otherwise does nothing. Returns nothing. Errors: 55P03 where a lock was not had
within 100 ms; 2BP01 where something depends on the partition.
Example: SELECT changes.drop_expired(p) FROM changes.expired_partitions() AS p;';
-- The one thing that makes and drops partitions: rows out of the default partition first, then the
-- days ahead, then what is past the retention.
--
--  * Every partition is made or dropped in a transaction of its own, so maintain() is a procedure that
--    commits and cannot run inside a transaction block. What fails is a WARNING and stops nothing else.
--  * A lock that is not had within 100 ms is tried again, after a pause in which nothing is locked.
--  * A procedure with SET clauses cannot commit. maintain() itself uses no operator and no unqualified
--    name, so that no search_path leads it astray; all it calls is pinned.
--  * pg_partman leaves search_path changed (see changes.partman): it is put back before each commit.

CREATE FUNCTION changes.maintenance_tasks(step text)
RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    IF to_regclass('public.changes') IS NULL OR to_regclass('changes.settings') IS NULL THEN
        RAISE EXCEPTION 'there is no trail in this database'
            USING ERRCODE = 'undefined_table', HINT = 'Call changes.setup() first.';
    END IF;
    IF NOT changes.lock_trail(wait => false) THEN
        RAISE NOTICE 'maintenance of the trail is already running';
        RETURN NULL;
    END IF;
    BEGIN
        RETURN CASE step
            WHEN 'default' THEN ARRAY(SELECT d::text FROM changes.default_days() AS d)
            WHEN 'premake' THEN ARRAY(SELECT d::text FROM changes.missing_days() AS d)
            WHEN 'retention' THEN ARRAY(SELECT p::oid::text FROM changes.expired_partitions() AS p)
        END;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'could not find out what to do in maintenance step "%"', step
            USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
        RETURN '{}';
    END;
END
$$;

COMMENT ON FUNCTION changes.maintenance_tasks(text) IS
'Internal. Returns the tasks of a step of changes.maintain(): for ''default'' and ''premake'' the days to make
a partition for, for ''retention'' the oids of the partitions to drop; NULL where another session is at
it. Errors: 42P01 before changes.setup(); what else fails is a WARNING and no tasks.
Example: SELECT changes.maintenance_tasks(''premake'');';

CREATE FUNCTION changes.run_task(step text, task text, is_last_attempt boolean)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    IF NOT changes.lock_trail(wait => false) THEN
        RAISE lock_not_available USING MESSAGE = 'another session maintains the trail';
    END IF;
    IF step = 'retention' THEN
        PERFORM changes.drop_expired(task::oid::regclass);
    ELSE
        PERFORM changes.make_partition(task::timestamptz);
    END IF;
    RETURN true;
EXCEPTION
    WHEN OTHERS THEN
        IF SQLSTATE = '55P03' AND NOT is_last_attempt THEN
            RETURN false;
        END IF;
        RAISE WARNING 'could not finish maintenance step "%" for %', step,
                      CASE step WHEN 'retention' THEN task::oid::regclass::text ELSE task END
            USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
        RETURN true;
END
$$;

COMMENT ON FUNCTION changes.run_task(text, text, boolean) IS
'Internal. Runs one task of changes.maintenance_tasks(). Returns true where it is settled, false where a
lock was missing and there is another attempt. Leaves search_path changed for the session.
Errors: none; what fails is a WARNING.
Example: SELECT changes.run_task(''premake'', ''2026-01-31 00:00:00+00'', true);';

CREATE PROCEDURE changes.maintain()
LANGUAGE plpgsql
AS $$
DECLARE
    attempts_max CONSTANT pg_catalog.int4 := 5;
    pause_seconds CONSTANT pg_catalog.float8 := 0.4;
    caller_search_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
    step pg_catalog.text;
    tasks pg_catalog.text[];
    task pg_catalog.text;
    is_settled pg_catalog.bool;
BEGIN
    FOREACH step IN ARRAY ARRAY['default', 'premake', 'retention']::pg_catalog.text[] LOOP
        tasks := changes.maintenance_tasks(step);
        COMMIT;
        IF tasks IS NULL THEN
            RETURN;
        END IF;
        FOREACH task IN ARRAY tasks LOOP
            FOR attempts_left IN REVERSE attempts_max..1 LOOP
                is_settled := changes.run_task(step, task, attempts_left OPERATOR(pg_catalog.=) 1);
                PERFORM pg_catalog.set_config('search_path', caller_search_path, false);
                COMMIT;
                EXIT WHEN is_settled;
                PERFORM pg_catalog.pg_sleep(pause_seconds);
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

COMMENT ON PROCEDURE changes.maintain() IS
'Moves rows out of the default partition, makes partitions ahead and drops what is past the retention,
each partition in a transaction of its own; what fails is a WARNING and stops nothing else. Does
nothing, with a NOTICE, while another session is at it. Returns nothing.
Errors: 42P01 before changes.setup(); 2D000 inside a transaction block.
Example: CALL changes.maintain();';
-- How far the trail of a source reaches without a hole: the ranges of changes.applied, chained from the
-- lowest start for as long as each begins where the ones before it end. Ranges do not overlap by
-- contract; should they, the chain is not broken by it.
CREATE FUNCTION changes.horizon(source_label text)
RETURNS pg_lsn
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    recorded_end pg_lsn;
    next_range record;
BEGIN
    FOR next_range IN
        SELECT a.start_lsn, a.end_lsn
          FROM changes.applied AS a
          JOIN changes.sources AS s ON s.id = a.source_id
         WHERE s.label = source_label
         ORDER BY a.start_lsn
    LOOP
        EXIT WHEN next_range.start_lsn > recorded_end;
        recorded_end := greatest(recorded_end, next_range.end_lsn);
    END LOOP;
    RETURN recorded_end;
END
$$;

COMMENT ON FUNCTION changes.horizon(text) IS
'Returns the recorded end of a source: everything that it committed before this LSN, from where the trail
begins, is in the trail. NULL for a label that is unknown or has nothing recorded yet.
Errors: 42P01 before changes.setup(). Example: SELECT changes.horizon(''postgres'');';
-- Last, so that it covers all of the above: nothing is granted to PUBLIC, to which PostgreSQL grants
-- EXECUTE on every new function. Upgrade scripts that add a function end with the same lines.
REVOKE ALL ON SCHEMA changes FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA changes FROM PUBLIC;

-- Makes public.changes, empty and without partitions. The columns, their types and their order are a
-- promise to queries and ORM models (docs/architecture.md); trail_problem() checks them afterwards.
--
--  * Times have no fraction, and a cast to timestamptz(0) rounds: the defaults truncate first, so that
--    a change never lies in the future of the reader who made it.
--  * A primary key of a partitioned table must hold the partition column.
--  * Every index is paid at every insert. There is none on "operation" or "table" alone: no query is
--    answered well by them. jsonb_path_ops answers @> and @? with a value, not a bare key test.
--  * A pending list of GIN is read by every query: its size is the writer's to choose (gin_pending_list_limit, which apply pins), for an
--    index's own setting would go before a session's, and could not be raised for a burst without a lock that stops everybody.
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
        USING gin (before jsonb_path_ops);
    CREATE INDEX changes_after_idx ON public.changes
        USING gin (after jsonb_path_ops);
    CREATE INDEX changes_context_idx ON public.changes
        USING gin (context jsonb_path_ops);

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

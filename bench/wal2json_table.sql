-- The columns of "changes" as clients that read wal2json keep them, with the indexes that such tables usually have: a btree for each column
-- that is asked for by itself, GIN with the default operator class.
CREATE TABLE public.changes_wal2json (
    id             uuid           PRIMARY KEY,
    database       varchar(255)   NOT NULL,
    schema         varchar(255)   NOT NULL,
    "table"        varchar(255)   NOT NULL,
    primary_key    varchar(255),
    operation      text           NOT NULL,
    before         jsonb          NOT NULL,
    after          jsonb          NOT NULL,
    context        jsonb          NOT NULL,
    committed_at   timestamptz(0) NOT NULL,
    queued_at      timestamptz(0) NOT NULL,
    created_at     timestamptz(0) NOT NULL,
    transaction_id bigint         NOT NULL,
    position       bigint         NOT NULL
);
CREATE INDEX ON public.changes_wal2json (database, schema, "table");
CREATE INDEX ON public.changes_wal2json (primary_key);
CREATE INDEX ON public.changes_wal2json (operation);
CREATE INDEX ON public.changes_wal2json (committed_at);
CREATE INDEX ON public.changes_wal2json (transaction_id);
CREATE INDEX ON public.changes_wal2json USING gin (before);
CREATE INDEX ON public.changes_wal2json USING gin (after);
CREATE INDEX ON public.changes_wal2json USING gin (context);

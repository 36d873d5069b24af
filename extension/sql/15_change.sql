-- What history() and find() return: a row of the trail as it is, so that a query written for public.changes reads it
-- unchanged. A type of the extension's own and not the table's: a function that returned the table's would depend on it.
-- trail_problem() has the same list; tests/pgtap/change_type.sql compares the two.
CREATE TYPE changes.change AS (
    id             uuid,
    database       varchar(255),
    schema         varchar(255),
    "table"        varchar(255),
    primary_key    varchar(255),
    operation      text,
    before         jsonb,
    after          jsonb,
    context        jsonb,
    committed_at   timestamptz(0),
    queued_at      timestamptz(0),
    created_at     timestamptz(0),
    transaction_id bigint,
    position       bigint
);

REVOKE ALL ON TYPE changes.change FROM PUBLIC;
COMMENT ON TYPE changes.change IS 'A row of public.changes, as changes.history() and changes.find() return it.';

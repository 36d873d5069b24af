-- What people put beside their tables: a row trigger that writes each change as jsonb into a table of the same database, with the usual indexes.
CREATE TABLE public.bench_audit (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema         text NOT NULL,
    "table"        text NOT NULL,
    primary_key    text,
    operation      text NOT NULL,
    before         jsonb,
    after          jsonb,
    changed_by     text NOT NULL,
    query          text,
    changed_at     timestamptz NOT NULL,
    transaction_id bigint NOT NULL
);
CREATE INDEX ON public.bench_audit (schema, "table");
CREATE INDEX ON public.bench_audit (primary_key);
CREATE INDEX ON public.bench_audit (operation);
CREATE INDEX ON public.bench_audit (changed_at);
CREATE INDEX ON public.bench_audit USING gin (before);
CREATE INDEX ON public.bench_audit USING gin (after);

-- The argument is the name of the key's column.
CREATE FUNCTION public.bench_write_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    INSERT INTO public.bench_audit (schema, "table", primary_key, operation, before, after, changed_by, query, changed_at, transaction_id)
    VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME, coalesce(after, before) ->> TG_ARGV[0], TG_OP, before, after, current_user, current_query(),
            now(), txid_current());
    RETURN NULL;
END $$;

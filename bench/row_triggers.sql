-- What clients of such trails install where nothing is preloaded, here for comparison: each row that is written takes the context out
-- of the client's text and puts it into the WAL, whether or not the row before it has done so.
CREATE FUNCTION public.bench_emit_context() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    context text := split_part(split_part(current_query(), '/*Bemi', 2), 'Bemi*/', 1);
BEGIN
    IF context <> '' THEN
        PERFORM pg_logical_emit_message(true, '_bemi', context);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT oid FROM pg_class WHERE relname LIKE 'pgbench\_%' AND relkind = 'r' LOOP
        EXECUTE format('CREATE TRIGGER bench_emit_context BEFORE INSERT OR UPDATE OR DELETE ON %s '
                       'FOR EACH ROW EXECUTE FUNCTION public.bench_emit_context()', target);
    END LOOP;
END $$;

// The trigger fires before the statement, once, and does for the transaction what the preloaded library does: it emits a message
// where the context differs from what it emitted last. What that was stands, as a hash, in a setting that is local to the
// transaction, so that a savepoint that is rolled back takes both back. The setting's prefix is not waltrail: that one is
// reserved where the library is loaded.
//
// | emitted before | context now | emitted                                             |
// |----------------|-------------|-----------------------------------------------------|
// | nothing        | none        | nothing: a message of the application's own goes on |
// | the same       | the same    | nothing                                             |
// | something      | none        | an empty message, which ends it                     |
// | nothing, other | this        | this                                                |
//
// Nothing here may fail a user's statement, and no exception block stands in for that: it would be a subtransaction for each
// statement. So no digest (md5() fails where only FIPS is allowed), no trim or regular expression over a whole statement (they
// take up to twelve times its bytes, and fail above 1 GB), no backslash in a plain literal (standard_conforming_strings).
//
// SECURITY DEFINER, because EXECUTE on pg_logical_emit_message() may have been taken from the roles that write. That a role
// may put the trigger on a table of its own gives it nothing: whoever may write anywhere chooses his context.
#include "apply/context_trigger.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

// {0}: the affix.
constexpr std::string_view trigger_body = R"(
DECLARE
    statement CONSTANT text := current_query();
    emitted CONSTANT text := coalesce(current_setting('waltrail_triggers.emitted', true), '');
    context text;
    hash text;
    emit regprocedure;
BEGIN
    IF strpos(statement, '/*{0}') > 0 THEN
        context := waltrail.comment_context(statement);
    END IF;
    context := coalesce(context, current_setting('waltrail.context', true), '');
    IF octet_length(context) > 1048576 THEN
        RAISE WARNING 'context of % bytes is skipped, 1048576 are the limit', octet_length(context);
        context := '';
    END IF;
    hash := hashtextextended(context, 0);
    IF hash = emitted OR context = '' AND emitted = '' THEN
        RETURN NULL;
    END IF;
    -- By its first arguments: PostgreSQL 17 has one more.
    SELECT p.oid::regprocedure INTO emit FROM pg_proc AS p
     WHERE p.proname = 'pg_logical_emit_message' AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proargtypes[2] = 'text'::regtype;
    IF NOT has_function_privilege(emit, 'EXECUTE') THEN
        RAISE WARNING 'context is skipped: role "%" may not execute %', current_user, emit;
        RETURN NULL;
    END IF;
    PERFORM pg_logical_emit_message(true, 'waltrail', context);
    PERFORM set_config('waltrail_triggers.emitted', hash, true);
    RETURN NULL;
END
)";

// A comment counts where it cannot be part of a literal without a parser: where nothing but comments and white space is before it,
// or nothing but these and semicolons behind it. Looked for in the first and the last 2 Mi characters, so that a context past the
// limit is found to be one.
//
// A comment inside the content is nested, as the server reads it. What else opens or closes one there does not belong to it:
// the two ends are not those of one comment.
constexpr std::string_view comment_body = R"(
DECLARE
    window_length CONSTANT integer := 2097152;
    space CONSTANT text := E' \t\n\r\f';
    is_cut CONSTANT boolean := length(statement) > window_length;
    part text;
    position integer;
    contents text[];
    content text;
    bare text;
BEGIN
    part := left(statement, window_length);
    part := substr(part, 1 + length(substring(part FROM
        E'^(?:[[:space:]]|--[^\n]*|/[*](?!{0}[[:space:]])(?:[^*]|[*]+[^*/])*[*]+/)*')));
    IF starts_with(part, '/*{0}') THEN
        part := substr(part, length('/*{0}') + 1);
        position := strpos(part, '{0}*/');
        IF position > 0 THEN
            contents := array_append(contents, left(part, position - 1));
        ELSIF is_cut THEN
            contents := array_append(contents, part);
        END IF;
    END IF;

    part := rtrim(right(statement, window_length), space || ';');
    FOR other_comment IN 1 .. 10 LOOP
        EXIT WHEN right(part, 2) <> '*/' OR right(part, length('{0}*/')) = '{0}*/';
        part := rtrim(left(part, - 3 - strpos(substr(reverse(part), 3), '*/')), space || ';');
    END LOOP;
    IF right(part, length('{0}*/')) = '{0}*/' THEN
        part := left(part, - length('{0}*/'));
        position := strpos(reverse(part), reverse('/*{0}'));
        IF position > 0 THEN
            contents := array_append(contents, right(part, position - 1));
        ELSIF is_cut THEN
            contents := array_append(contents, ' ' || part);
        END IF;
    END IF;

    FOREACH content IN ARRAY coalesce(contents, '{{}}') LOOP
        bare := regexp_replace(content, '/[*].*?[*]/', '', 'g');
        IF strpos(bare, '/*') = 0 AND strpos(bare, '*/') = 0 AND strpos(space, left(content, 1)) > 0 THEN
            RETURN nullif(btrim(content, space), '');
        END IF;
    END LOOP;
    RETURN NULL;
END
)";

constexpr std::string_view comment_function_name = "comment_context";

std::string context_function_query() {
    return fmt::format("SELECT f.oid FROM pg_proc AS f "
                       "JOIN pg_namespace AS fn ON fn.oid = f.pronamespace "
                       "WHERE fn.nspname = 'waltrail' AND f.proname = '{}'",
                       context_function_name);
}

} // namespace

std::string context_functions_sql(const PostgresConnection &postgres, std::string_view affix) {
    auto literal = [&](std::string_view body) {
        return postgres.quote_literal(fmt::format(fmt::runtime(body), affix));
    };
    return fmt::format(
        "CREATE OR REPLACE FUNCTION waltrail.comment_context(statement text) RETURNS text "
        "LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS {};"
        "COMMENT ON FUNCTION waltrail.comment_context(text) IS {};"
        "CREATE OR REPLACE FUNCTION waltrail.{}() RETURNS trigger LANGUAGE plpgsql "
        "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {};"
        "COMMENT ON FUNCTION waltrail.{}() IS {};",
        literal(comment_body),
        literal("What stands in a comment /*{0} ... {0}*/ at the start or at the end of a "
                "statement, as text; the one at the start if both do. NULL where there is none. "
                "Example: SELECT waltrail.comment_context('SELECT 1 /*{0} {{\"user_id\": 7}} "
                "{0}*/')."),
        context_function_name, literal(trigger_body), context_function_name,
        literal("Puts the context of the client's statement, a comment /*{0} ... {0}*/ or else "
                "the setting waltrail.context, into the WAL as a logical message, where it "
                "differs from this transaction's last. Errors: none, what fails is a WARNING."));
}

std::string drop_context_functions_sql() {
    return fmt::format("DROP FUNCTION IF EXISTS waltrail.{}();"
                       "DROP FUNCTION IF EXISTS waltrail.comment_context(text);",
                       context_function_name);
}

std::string create_context_trigger_sql(std::string_view table) {
    return fmt::format("CREATE TRIGGER {} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {} "
                       "FOR EACH STATEMENT EXECUTE FUNCTION waltrail.{}()",
                       context_trigger_name, table, context_function_name);
}

std::string drop_context_trigger_sql(std::string_view table, std::string_view trigger) {
    return fmt::format("DROP TRIGGER IF EXISTS {} ON {}", trigger, table);
}

std::string is_context_function(std::string_view procedure) {
    return fmt::format("(({0}.proname, {0}.pronargs) IN (('{1}', 0), ('{2}', 1)))", procedure,
                       context_function_name, comment_function_name);
}

std::string is_context_trigger() {
    return fmt::format("t.tgfoid IN ({})", context_function_query());
}

std::string has_context_trigger(std::string_view relid) {
    return fmt::format("EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = {} AND {})", relid,
                       is_context_trigger());
}

std::string context_function_condition() {
    return fmt::format("EXISTS ({})", context_function_query());
}

} // namespace waltrail

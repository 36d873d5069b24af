-- where a comment counts, and what becomes of its content; needs the library in shared_preload_libraries
CREATE TABLE comments (id integer PRIMARY KEY, note text);
SELECT 'slot' FROM pg_create_logical_replication_slot('comments', 'waltrail');
/*Bemi {"is": "before"} Bemi*/ INSERT INTO comments VALUES (1);
INSERT INTO comments VALUES (2) /*Bemi {"is": "behind"} Bemi*/;
/* something */ -- else
/*Bemi {"is": "between comments"} Bemi*/ /* and more */ INSERT INTO comments VALUES (3);
INSERT INTO comments VALUES (4)\; /*Bemi {"is": "behind the semicolon"} Bemi*/
;
/*Bemi {"is": "first"} Bemi*/ INSERT INTO comments VALUES (5) /*Bemi {"is": "second"} Bemi*/;
-- not here
INSERT INTO comments VALUES (11, '/*Bemi {"is": "a literal"} Bemi*/');
INSERT INTO comments VALUES (12, 'it''s' || '/*Bemi {"is": "a literal"} Bemi*/' || E'\'/*Bemi {"is": "a literal"} Bemi*/');
INSERT INTO comments VALUES (13, $q$/*Bemi {"is": "a literal"} Bemi*/$q$);
INSERT INTO comments (id, note) VALUES /*Bemi {"is": "in the middle"} Bemi*/ (14, NULL);
INSERT INTO comments VALUES (15) -- /*Bemi {"is": "a line"} Bemi*/
;
INSERT INTO comments SELECT 16, "/*Bemi {} Bemi*/" FROM (SELECT 'an identifier') AS s ("/*Bemi {} Bemi*/");
INSERT INTO comments VALUES (17) /* Bemi {"is": "spaced"} Bemi */;
INSERT INTO comments VALUES (18) /*Bemidbar {"is": "another word"} Bemidbar*/;
INSERT INTO comments VALUES (19) /*Bemi {"is": "not ended"} */;
-- content
INSERT INTO comments VALUES (21) /*Bemi {"quote": "it's \"so\"", "nested": {"list": [1, {"a": null}]}, "accept": "\u002a/\u002a", "end": "*\/", "тест": "é"} Bemi*/;
INSERT INTO comments VALUES (22) /*Bemi {"note": "/* nested */"} Bemi*/;
INSERT INTO comments VALUES (23) /*Bemi no JSON Bemi*/;
INSERT INTO comments VALUES (24) /*Bemi [1] Bemi*/;
INSERT INTO comments VALUES (25) /*Bemi {} Bemi*/;
INSERT INTO comments VALUES (26) /*Bemi{"is": "tight"}Bemi*/;
INSERT INTO comments VALUES (27) /*Bemi
    {"is":
     "lines"}
Bemi*/;
-- the setting stands behind the comment
BEGIN;
SET LOCAL waltrail.context = '{"setting": 1}';
INSERT INTO comments VALUES (31);
INSERT INTO comments VALUES (32) /*Bemi {"comment": 1} Bemi*/;
INSERT INTO comments VALUES (33);
-- and a message behind both
SELECT 'message' FROM pg_logical_emit_message(true, '_bemi', '{"message": 1}');
INSERT INTO comments VALUES (34);
SET LOCAL waltrail.context = '';
INSERT INTO comments VALUES (35);
INSERT INTO comments VALUES (36) /*Bemi {"comment": 2} Bemi*/;
INSERT INTO comments VALUES (37);
COMMIT;
INSERT INTO comments VALUES (38);
-- 1 MiB and more
SELECT format('INSERT INTO comments VALUES (41) /*Bemi {"a": "%s"} Bemi*/', repeat('x', 1048576 - 9)) \gexec
SELECT format('INSERT INTO comments VALUES (42) /*Bemi {"a": "%s"} Bemi*/', repeat('x', 1048576 - 8)) \gexec
-- another affix, and none
SET waltrail.comment_affix = 'audit';
INSERT INTO comments VALUES (51) /*audit {"is": "another affix"} audit*/;
INSERT INTO comments VALUES (52) /*Bemi {"is": "not ours"} Bemi*/;
SET waltrail.comment_affix = '';
INSERT INTO comments VALUES (53) /* {"is": "no affix"} */;
SET waltrail.comment_affix = 'a b';
RESET waltrail.comment_affix;
SELECT d->'after'->>'id' AS id, left(d->>'context', 110) AS context, length(d->>'context') AS length
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('comments', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('comments');
DROP TABLE comments;

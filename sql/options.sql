-- an unknown option or value is refused by name, and says what exists
CREATE TABLE options (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('options', 'waltrail');
INSERT INTO options VALUES (1);
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'colour', 'blue');
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'xml');
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'json', 'truncate', 'perhaps');
-- the default is binary, which needs the function for it
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL);
SELECT substr(data, 1, 4) = '\xD757414C' AS magic FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL);
SELECT substr(data, 1, 4) = '\xD757414C' AS magic
FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL, 'format', 'binary', 'truncate', 'true');
SELECT count(*) FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'json', 'truncate', 'no');
SELECT pg_drop_replication_slot('options');
DROP TABLE options;

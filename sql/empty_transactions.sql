-- a transaction without changes sends nothing, and the slot still advances
CREATE TABLE empty_transactions (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('empty_transactions', 'waltrail');
CREATE TABLE empty_more (id integer);
DROP TABLE empty_more;
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', '{"alone": true}');
UPDATE empty_transactions SET id = 1;
CREATE TEMPORARY TABLE before AS
SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'empty_transactions';
SELECT count(*) FROM pg_logical_slot_get_binary_changes('empty_transactions', NULL, NULL);
SELECT slots.confirmed_flush_lsn > before.confirmed_flush_lsn AS advanced
FROM pg_replication_slots AS slots, before WHERE slot_name = 'empty_transactions';
SELECT pg_drop_replication_slot('empty_transactions');
DROP TABLE empty_transactions, before;

-- name: serving_version
-- FOR SHARE lets a switch wait for the transactions that still write the version it leaves.
SELECT version FROM read_model_versions WHERE read_model = %(read_model)s FOR SHARE

-- name: lock_partition
-- One owner at a time in the partitions of one number, also those whose position has no row yet; ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('mg-positions/' || %(consumer)s::text), %(partition)s::integer)

-- name: lock_positions
-- Two owners of one partition take turns here; the second one sees what the first has done.
SELECT topic, partition, next FROM consumer_positions WHERE consumer = %(consumer)s ORDER BY topic, partition FOR UPDATE

-- name: lock_outbox
-- One relay at a time keeps the order of a title's versions in the log; ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('mg-outbox'), hashtext(%(processor)s))

-- name: add_to_outbox
-- Events decided in this transaction, in order.
INSERT INTO outbox (processor, topic, key, value, headers)
SELECT %(processor)s, topic, key, value, headers
FROM unnest(%(topics)s::text[], %(keys)s::bytea[], %(values)s::bytea[], %(headers)s::jsonb[]) WITH ORDINALITY
    AS event (topic, key, value, headers, place)
ORDER BY place

-- name: read_outbox
-- What Kafka has not confirmed yet, oldest first.
SELECT id, topic, key, value, headers FROM outbox WHERE processor = %(processor)s ORDER BY id LIMIT %(most)s

-- name: delete_outbox
-- Kafka has them.
DELETE FROM outbox WHERE id = ANY(%(ids)s)

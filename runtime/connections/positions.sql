-- name: read_positions
-- Everything one consumer has stored; a handful of rows.
SELECT topic, partition, next FROM consumer_positions WHERE consumer = %(consumer)s

-- name: create_positions
-- The rows of partitions nobody has read yet.
INSERT INTO consumer_positions (consumer, topic, partition, next)
SELECT %(consumer)s, m.topic, m.partition, 0
FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(expected)s::bigint[]) AS m (topic, partition, expected)
WHERE m.expected = 0
ON CONFLICT DO NOTHING

-- name: advance_positions
-- The fence: no row means another owner moved it.
UPDATE consumer_positions AS p SET next = m.next, updated_at = now()
FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(expected)s::bigint[], %(next)s::bigint[])
    AS m (topic, partition, expected, next)
WHERE p.consumer = %(consumer)s AND p.topic = m.topic AND p.partition = m.partition AND p.next = m.expected
RETURNING p.topic, p.partition

-- name: forget_positions
-- A rebuild starts from the beginning.
DELETE FROM consumer_positions WHERE consumer = %(consumer)s

-- name: read_positions
-- Everything one consumer has stored; a handful of rows.
SELECT topic, partition, next FROM consumer_positions WHERE consumer = %(consumer)s

-- name: create_position
-- The row of a partition nobody has read yet.
INSERT INTO consumer_positions (consumer, topic, partition, next)
VALUES (%(consumer)s, %(topic)s, %(partition)s, 0)
ON CONFLICT DO NOTHING

-- name: advance_position
-- The fence: no row means another owner moved it.
UPDATE consumer_positions SET next = %(next)s, updated_at = now()
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s AND next = %(expected)s

-- name: forget_positions
-- A rebuild starts from the beginning.
DELETE FROM consumer_positions WHERE consumer = %(consumer)s

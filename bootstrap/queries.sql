-- name: all_positions
-- Every consumer that keeps its position in this database.
SELECT consumer, topic, partition, next FROM consumer_positions

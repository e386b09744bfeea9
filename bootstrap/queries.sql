-- name: all_positions
-- Every consumer that keeps its position in this database.
SELECT consumer, topic, partition, next FROM consumer_positions

-- name: resolution_totals
-- What entity resolution decided so far.
SELECT count(*) FILTER (WHERE action = 'founded'), count(*) FILTER (WHERE action = 'joined'),
       count(*) FILTER (WHERE action = 'merged')
FROM resolution_log

-- name: outbox_size
-- Decided events that Kafka has not confirmed.
SELECT count(*) FROM outbox

-- name: merged_examples
-- Titles that several providers share; popular ones are the ones a reader knows.
SELECT items.title_id
FROM provider_items AS items JOIN title_catalog AS titles ON titles.title_id = items.title_id::text
WHERE items.active
GROUP BY items.title_id, titles.popularity
HAVING count(DISTINCT items.provider) > 1
ORDER BY titles.popularity DESC, items.title_id
LIMIT %(most)s

-- name: titles_of_provider
-- Which title each item of a provider belongs to now.
SELECT native_id, title_id::text FROM provider_items WHERE provider = %(provider)s AND active AND title_id IS NOT NULL

-- name: ratings_of_replay
-- Ratings of the people that `mg replay ratings` makes up.
SELECT count(*) FROM ratings WHERE user_id LIKE 'ml-%%'

-- name: body_of_item
-- The newest state of a provider's item, as entity resolution keeps it.
SELECT body FROM provider_items WHERE provider = %(provider)s AND native_id = %(native_id)s

-- name: titles_by_id
-- The rows of some titles, whatever became of them.
SELECT title_id, state, successor_id, document::text AS document, written_at
FROM title_catalog WHERE title_id = ANY(%(title_ids)s::text[]);

-- name: titles_by_external_id
-- An id that is just moving from one title to another may be on both.
SELECT t.title_id, t.state, t.successor_id, t.document::text AS document, t.written_at
FROM title_catalog_external_ids AS e JOIN title_catalog AS t USING (title_id)
WHERE e.source = %(source)s AND e.value = %(value)s AND t.state = 'live'
ORDER BY t.title_id LIMIT 20;

-- name: offers_of_title
-- Offers that have not ended, of one region or of all.
SELECT region, provider, type, quality, price, currency, link, starts_at, ends_at
FROM availability
WHERE title_id = %(title_id)s AND (%(region)s::text IS NULL OR region = %(region)s)
  AND (ends_at IS NULL OR ends_at > %(now)s)
ORDER BY ordinal;

-- name: feed_positions
-- How far the serving version is, partition by partition.
SELECT p.partition, p.next
FROM consumer_positions AS p
JOIN read_model_versions AS v ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = %(read_model)s;

-- name: feed_changes
-- The next ones of each partition.
SELECT c.partition, c.log_offset, c.document
FROM unnest(%(partitions)s::integer[], %(offsets)s::bigint[]) AS s (partition, seen)
CROSS JOIN LATERAL (
    SELECT partition, log_offset, document
    FROM availability_changes
    WHERE partition = s.partition AND log_offset >= s.seen
      AND (%(region)s::text IS NULL OR region = %(region)s)
      AND (%(provider)s::text IS NULL OR provider = %(provider)s)
      AND (%(title_id)s::text IS NULL OR title_id = %(title_id)s)
      AND (%(change)s::text IS NULL OR change = %(change)s)
    ORDER BY log_offset
    LIMIT %(limit)s
) AS c
ORDER BY c.partition, c.log_offset;

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

-- name: offers_that_end
-- Offers that end by a moment, soonest first, unless another one at the same place goes on without a gap. They hold now,
-- or go on without a gap from one that does.
SELECT o.title_id, o.ordinal, o.provider, o.region, o.type, o.quality, o.price, o.currency, o.link, o.starts_at, o.ends_at
FROM availability AS o
WHERE o.ends_at > %(now)s AND o.ends_at <= %(until)s
  AND (
      o.starts_at IS NULL OR o.starts_at <= %(now)s OR EXISTS (
          SELECT FROM availability AS p
          WHERE p.title_id = o.title_id AND p.region = o.region AND p.provider = o.provider AND p.type = o.type
            AND p.quality = o.quality AND (p.starts_at IS NULL OR p.starts_at <= %(now)s)
            AND p.ends_at > %(now)s AND p.ends_at >= o.starts_at
      )
  )
  AND (%(region)s::text IS NULL OR o.region = %(region)s)
  AND (%(provider)s::text IS NULL OR o.provider = %(provider)s)
  AND (
      %(after_end)s::timestamptz IS NULL
      OR (o.ends_at, o.title_id, o.ordinal) > (%(after_end)s, %(after_title)s::text, %(after_ordinal)s::integer)
  )
  AND NOT EXISTS (
      SELECT FROM availability AS f
      WHERE f.title_id = o.title_id AND f.region = o.region AND f.provider = o.provider AND f.type = o.type
        AND f.quality = o.quality AND (f.starts_at IS NULL OR f.starts_at <= o.ends_at)
        AND (f.ends_at IS NULL OR f.ends_at > o.ends_at)
  )
ORDER BY o.ends_at, o.title_id, o.ordinal
LIMIT %(limit)s;

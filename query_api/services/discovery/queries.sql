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

-- name: title_status
-- Also of titles that are gone: their history stays.
SELECT t.status, r.successor_id::text AS successor_id
FROM titles AS t LEFT JOIN title_redirects AS r USING (title_id)
WHERE t.title_id = %(title_id)s::text::uuid

-- name: history_of_title
-- In the order in which it was decided.
SELECT id, provider, native_id, action, reason, score, evidence::text AS evidence, occurred_at
FROM resolution_log
WHERE title_id = %(title_id)s::text::uuid AND id > %(after)s::bigint
ORDER BY id LIMIT %(limit)s::integer

-- name: open_reviews
-- Oldest first, with what both sides are called.
SELECT r.provider, r.native_id, r.title_id::text AS title_id, r.candidate_id::text AS candidate_id, r.reason, r.score,
       r.evidence::text AS evidence, r.occurred_at, own.name AS title_name, own.year AS title_year,
       other.name AS candidate_name, other.year AS candidate_year
FROM resolution_reviews AS r
LEFT JOIN title_catalog AS own ON own.title_id = r.title_id::text
LEFT JOIN title_catalog AS other ON other.title_id = r.candidate_id::text
WHERE r.status = 'open' AND (
    %(occurred_at)s::timestamptz IS NULL
    OR (r.occurred_at, r.provider, r.native_id, r.candidate_id)
       > (%(occurred_at)s::timestamptz, %(provider)s::text, %(native_id)s::text, %(candidate_id)s::text::uuid)
)
ORDER BY r.occurred_at, r.provider, r.native_id, r.candidate_id LIMIT %(limit)s::integer

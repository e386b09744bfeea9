-- name: title_status
-- Also of titles that are gone: their history stays.
SELECT t.status, r.successor_id::text AS successor_id
FROM titles AS t LEFT JOIN title_redirects AS r USING (title_id)
WHERE t.title_id = %(title_id)s::text::uuid

-- name: history_of_title
-- In the order in which it was decided.
SELECT l.id, l.provider, l.native_id, l.action, l.reason, l.score, l.evidence::text AS evidence, l.occurred_at,
       d.decision_id, d.kind, d.operator, d.reason AS why, d.outcome, d.detail
FROM resolution_log AS l LEFT JOIN resolution_decisions AS d USING (event_id)
WHERE l.title_id = %(title_id)s::text::uuid AND l.id > %(after)s::bigint
ORDER BY l.id LIMIT %(limit)s::integer

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

-- name: decision
SELECT decision_id, kind, operator, reason, title_id, outcome, detail, undone_by, occurred_at
FROM resolution_decisions WHERE decision_id = %(decision_id)s

-- name: decisions
-- Newest first.
SELECT id, decision_id, kind, operator, reason, title_id, outcome, detail, undone_by, occurred_at
FROM resolution_decisions
WHERE %(before)s::bigint IS NULL OR id < %(before)s::bigint
ORDER BY id DESC LIMIT %(limit)s::integer

-- Statements of registry.py and rulings.py, in the order in which a batch runs them. Arrays in, rows out: their number does not depend
-- on the size of the batch.

-- name: lock_stripes
-- Transaction locks in a namespace of their own (first key), taken in ascending order by every worker: no deadlock.
SELECT count(pg_advisory_xact_lock(%(namespace)s::integer, stripe))
FROM (SELECT stripe FROM unnest(%(stripes)b::integer[]) AS s (stripe) ORDER BY stripe OFFSET 0) AS sorted

-- name: items_of_batch
SELECT i.provider, i.native_id, i.title_id::text, i.active, i.source_time, i.source_offset, i.score, i.reason, i.founded
FROM unnest(%(providers)b::text[], %(native_ids)b::text[]) AS k (provider, native_id)
JOIN provider_items i ON i.provider = k.provider AND i.native_id = k.native_id

-- name: titles_by_external_id
SELECT e.source, e.value, e.kind, e.title_id::text
FROM unnest(%(sources)b::text[], %(values)b::text[], %(kinds)b::text[]) AS k (source, value, kind)
JOIN title_external_ids e ON e.source = k.source AND e.value = k.value AND e.kind = k.kind

-- name: titles_by_block
-- LATERAL with LIMIT: a name that ten thousand works share costs no more than the candidates we would score.
SELECT DISTINCT found.title_id::text
FROM unnest(%(blocks)b::bigint[], %(years)b::smallint[]) AS k (block, year)
CROSS JOIN LATERAL (
    SELECT b.title_id FROM title_blocks b
    WHERE b.block = k.block AND b.year IN (0, k.year - 1, k.year, k.year + 1)
    ORDER BY b.year, b.title_id LIMIT %(most)s::integer
) AS found

-- name: titles_by_block_any_year
-- For items that do not know their year.
SELECT DISTINCT found.title_id::text
FROM unnest(%(blocks)b::bigint[]) AS k (block)
CROSS JOIN LATERAL (
    SELECT b.title_id FROM title_blocks b WHERE b.block = k.block ORDER BY b.year, b.title_id LIMIT %(most)s::integer
) AS found

-- name: lock_titles
-- Rows in order of id, after the stripes. What is read from here on cannot change before we commit.
SELECT title_id::text, kind, status, version, created_at FROM titles
WHERE title_id = ANY (%(title_ids)b::text[]::uuid[]) ORDER BY titles.title_id FOR UPDATE

-- name: items_of_titles
SELECT provider, native_id, title_id::text, active, source_time, source_offset, score, reason, founded, body
FROM provider_items WHERE title_id = ANY (%(title_ids)b::text[]::uuid[])

-- name: upsert_items
INSERT INTO provider_items AS t
    (provider, native_id, title_id, active, source_time, source_offset, score, reason, founded, body)
SELECT provider, native_id, title_id::uuid, active, source_time, source_offset, score, reason, founded, body
FROM unnest(%(providers)b::text[], %(native_ids)b::text[], %(title_ids)b::text[], %(active)b::boolean[],
            %(source_times)b::timestamptz[], %(offsets)b::bigint[], %(scores)b::double precision[], %(reasons)b::text[],
            %(founded)b::integer[], %(bodies)b::bytea[])
    AS n (provider, native_id, title_id, active, source_time, source_offset, score, reason, founded, body)
ON CONFLICT (provider, native_id) DO UPDATE SET
    title_id = excluded.title_id, active = excluded.active, source_time = excluded.source_time,
    source_offset = excluded.source_offset, score = excluded.score, reason = excluded.reason,
    founded = excluded.founded, body = excluded.body

-- name: upsert_titles
INSERT INTO titles AS t (title_id, kind, status, version, created_at)
SELECT title_id::uuid, kind, status, version, created_at
FROM unnest(%(title_ids)b::text[], %(kinds)b::text[], %(statuses)b::text[], %(versions)b::bigint[],
            %(created_at)b::timestamptz[]) AS n (title_id, kind, status, version, created_at)
ON CONFLICT (title_id) DO UPDATE SET kind = excluded.kind, status = excluded.status, version = excluded.version

-- name: delete_external_ids
DELETE FROM title_external_ids e
USING unnest(%(sources)b::text[], %(values)b::text[], %(kinds)b::text[], %(title_ids)b::text[])
    AS gone (source, value, kind, title_id)
WHERE e.source = gone.source AND e.value = gone.value AND e.kind = gone.kind AND e.title_id = gone.title_id::uuid

-- name: insert_external_ids
INSERT INTO title_external_ids (source, value, kind, title_id)
SELECT source, value, kind, title_id::uuid
FROM unnest(%(sources)b::text[], %(values)b::text[], %(kinds)b::text[], %(title_ids)b::text[])
    AS n (source, value, kind, title_id)
ON CONFLICT (source, value, kind) DO NOTHING

-- name: delete_blocks
DELETE FROM title_blocks b
USING unnest(%(blocks)b::bigint[], %(years)b::smallint[], %(title_ids)b::text[]) AS gone (block, year, title_id)
WHERE b.block = gone.block AND b.year = gone.year AND b.title_id = gone.title_id::uuid

-- name: insert_blocks
INSERT INTO title_blocks (block, year, title_id)
SELECT block, year, title_id::uuid
FROM unnest(%(blocks)b::bigint[], %(years)b::smallint[], %(title_ids)b::text[]) AS n (block, year, title_id)
ON CONFLICT (block, year, title_id) DO NOTHING

-- name: collapse_redirects
UPDATE title_redirects r SET successor_id = n.successor_id::uuid
FROM unnest(%(title_ids)b::text[], %(successor_ids)b::text[]) AS n (title_id, successor_id)
WHERE r.successor_id = n.title_id::uuid

-- name: upsert_redirects
INSERT INTO title_redirects (title_id, successor_id, merged_at)
SELECT title_id::uuid, successor_id::uuid, merged_at
FROM unnest(%(title_ids)b::text[], %(successor_ids)b::text[], %(merged_at)b::timestamptz[])
    AS n (title_id, successor_id, merged_at)
ON CONFLICT (title_id) DO UPDATE SET successor_id = excluded.successor_id, merged_at = excluded.merged_at

-- name: insert_log
INSERT INTO resolution_log (title_id, provider, native_id, action, reason, score, evidence, event_id, occurred_at)
SELECT title_id::uuid, provider, native_id, action, reason, score, evidence::jsonb, event_id::uuid, occurred_at
FROM unnest(%(title_ids)b::text[], %(providers)b::text[], %(native_ids)b::text[], %(actions)b::text[],
            %(reasons)b::text[], %(scores)b::double precision[], %(evidence)b::text[], %(event_ids)b::text[],
            %(occurred_at)b::timestamptz[])
    AS n (title_id, provider, native_id, action, reason, score, evidence, event_id, occurred_at)

-- name: upsert_reviews
-- What a person has decided stays decided.
INSERT INTO resolution_reviews AS t
    (provider, native_id, candidate_id, title_id, reason, score, evidence, event_id, occurred_at)
SELECT DISTINCT ON (provider, native_id, candidate_id)
    provider, native_id, candidate_id::uuid, title_id::uuid, reason, score, evidence::jsonb, event_id::uuid, occurred_at
FROM unnest(%(providers)b::text[], %(native_ids)b::text[], %(candidate_ids)b::text[], %(title_ids)b::text[],
            %(reasons)b::text[], %(scores)b::double precision[], %(evidence)b::text[], %(event_ids)b::text[],
            %(occurred_at)b::timestamptz[], %(ordinals)b::integer[])
    AS n (provider, native_id, candidate_id, title_id, reason, score, evidence, event_id, occurred_at, ordinal)
ORDER BY provider, native_id, candidate_id, ordinal DESC
ON CONFLICT (provider, native_id, candidate_id) DO UPDATE SET
    title_id = excluded.title_id, reason = excluded.reason, score = excluded.score, evidence = excluded.evidence,
    event_id = excluded.event_id, occurred_at = excluded.occurred_at
WHERE t.status = 'open'

-- name: linked_items
-- Items that operators linked to these, over any number of links, without these themselves.
WITH RECURSIVE given AS (
    SELECT provider, native_id FROM unnest(%(providers)b::text[], %(native_ids)b::text[]) AS k (provider, native_id)
), linked AS (
    SELECT c.other_provider AS provider, c.other_native_id AS native_id
    FROM given AS g JOIN resolution_constraints AS c USING (provider, native_id) WHERE c.relation = 'same'
    UNION
    SELECT c.other_provider, c.other_native_id
    FROM linked AS l JOIN resolution_constraints AS c USING (provider, native_id) WHERE c.relation = 'same'
)
SELECT provider, native_id FROM linked EXCEPT SELECT provider, native_id FROM given ORDER BY 1, 2

-- name: constraints_of_items
-- What operators decided about these items, and about all that they linked to them. Few items have any.
WITH RECURSIVE linked AS (
    SELECT k.provider, k.native_id
    FROM unnest(%(providers)b::text[], %(native_ids)b::text[]) AS k (provider, native_id)
    JOIN resolution_constraints AS c USING (provider, native_id)
    UNION
    SELECT c.other_provider, c.other_native_id
    FROM linked AS l JOIN resolution_constraints AS c USING (provider, native_id) WHERE c.relation = 'same'
)
SELECT c.provider, c.native_id, c.other_provider, c.other_native_id, c.relation, c.decision_id
FROM linked JOIN resolution_constraints AS c USING (provider, native_id)

-- name: titles_now
-- Titles that exist, and where they lead: to themselves unless they were merged.
SELECT t.title_id::text, coalesce(r.successor_id, t.title_id)::text
FROM titles AS t LEFT JOIN title_redirects AS r USING (title_id)
WHERE t.title_id = ANY (%(title_ids)b::text[]::uuid[])

-- name: decision_by_id
SELECT kind, outcome, undone_by, effects::text FROM resolution_decisions WHERE decision_id = %(decision_id)s

-- name: insert_decision
INSERT INTO resolution_decisions (
    decision_id, kind, operator, reason, title_id, request, outcome, detail, effects, event_id, occurred_at, log_position
) VALUES (
    %(decision_id)s, %(kind)s, %(operator)s, %(reason)s, %(title_id)s, %(request)s::text::jsonb, %(outcome)s,
    %(detail)s, %(effects)s::text::jsonb, %(event_id)s::text::uuid, %(occurred_at)s, %(log_position)s
)

-- name: insert_constraints
INSERT INTO resolution_constraints (provider, native_id, other_provider, other_native_id, relation, decision_id)
SELECT * FROM unnest(%(providers)b::text[], %(native_ids)b::text[], %(other_providers)b::text[],
                     %(other_native_ids)b::text[], %(relations)b::text[], %(decision_ids)b::text[])

-- name: delete_constraints
DELETE FROM resolution_constraints WHERE decision_id = %(decision_id)s

-- name: mark_undone
UPDATE resolution_decisions SET undone_by = %(undone_by)s WHERE decision_id = %(decision_id)s

-- name: redirects_to
SELECT title_id::text, successor_id::text FROM title_redirects
WHERE successor_id = ANY (%(title_ids)b::text[]::uuid[])

-- name: lead_redirects
-- Titles that had been merged into one that is itself again follow it.
UPDATE title_redirects SET successor_id = %(successor_id)s::text::uuid
WHERE title_id = ANY (%(title_ids)b::text[]::uuid[]) AND title_id <> %(successor_id)s::text::uuid

-- name: delete_redirects
-- Titles that are themselves again.
DELETE FROM title_redirects WHERE title_id = ANY (%(title_ids)b::text[]::uuid[])

-- name: close_confirmed
-- Reviews whose two sides are one title now.
UPDATE resolution_reviews AS v SET status = 'confirmed', decision_id = %(decision_id)s
FROM unnest(%(providers)b::text[], %(native_ids)b::text[]) AS k (provider, native_id)
JOIN provider_items AS i USING (provider, native_id)
WHERE v.status = 'open' AND v.provider = k.provider AND v.native_id = k.native_id
    AND i.title_id = coalesce(
        (SELECT r.successor_id FROM title_redirects AS r WHERE r.title_id = v.candidate_id), v.candidate_id
    )

-- name: close_rejected
-- Reviews whose two sides an operator keeps apart.
UPDATE resolution_reviews AS v SET status = 'rejected', decision_id = %(decision_id)s
FROM unnest(%(providers)b::text[], %(native_ids)b::text[]) AS k (provider, native_id)
JOIN resolution_constraints AS c USING (provider, native_id)
JOIN provider_items AS i ON i.provider = c.other_provider AND i.native_id = c.other_native_id
WHERE v.status = 'open' AND v.provider = k.provider AND v.native_id = k.native_id AND c.relation = 'different'
    AND i.title_id = coalesce(
        (SELECT r.successor_id FROM title_redirects AS r WHERE r.title_id = v.candidate_id), v.candidate_id
    )

-- name: reopen_reviews
-- What a decision had closed waits for a person again, unless it is one title by now.
UPDATE resolution_reviews AS v SET status = 'open', decision_id = NULL
WHERE v.decision_id = %(decision_id)s AND NOT EXISTS (
    SELECT FROM provider_items AS i
    WHERE i.provider = v.provider AND i.native_id = v.native_id AND i.title_id = coalesce(
        (SELECT r.successor_id FROM title_redirects AS r WHERE r.title_id = v.candidate_id), v.candidate_id
    )
)

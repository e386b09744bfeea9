-- name: remembered_texts
-- What was embedded last of each title of a batch.
SELECT title_id, version, text_hash FROM title_text_hashes WHERE title_id = ANY(%(title_ids)s::text[]);

-- name: remember_texts
INSERT INTO title_text_hashes (title_id, version, text_hash)
SELECT * FROM unnest(%(title_ids)s::text[], %(versions)s::bigint[], %(text_hashes)s::text[])
ON CONFLICT (title_id) DO UPDATE SET version = excluded.version, text_hash = excluded.text_hash;

-- name: forget_texts
DELETE FROM title_text_hashes WHERE title_id = ANY(%(title_ids)s::text[]);

-- name: still_here
-- Begins the server's idle time-out anew.
SELECT 1

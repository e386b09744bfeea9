-- name: known_items
-- What is known of the touched titles; `place` is the one in the lists. Nobody else writes them meanwhile: the store holds
-- the locks of their partitions. Lists as JSON, because a client makes them twenty times as fast as arrays.
SELECT touched.place, known.document, known.event_at
FROM ROWS FROM (json_array_elements_text(%(user_ids)s::json), json_array_elements_text(%(title_ids)s::json))
    WITH ORDINALITY AS touched (user_id, title_id, place)
JOIN watchlist_v{v} AS known USING (user_id, title_id)

-- name: stage_items
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_items (
    user_id text COLLATE "C", title_id text COLLATE "C", document bytea, present boolean, rank text COLLATE "C",
    event_at timestamptz
) ON COMMIT DELETE ROWS

-- name: copy_items
-- Columns in the order of stage_items.
COPY incoming_items FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- Every staged row has changed, so every one gets a revision. They are only sent back where somebody is told of them.
WITH merged AS (
    INSERT INTO watchlist_v{v} AS t (user_id, title_id, document, present, rank, event_at, revision)
    SELECT user_id, title_id, document, present, rank, event_at, nextval('change_revisions') FROM incoming_items
    ON CONFLICT (user_id, title_id) DO UPDATE SET
        document = excluded.document, present = excluded.present, rank = excluded.rank, event_at = excluded.event_at,
        revision = excluded.revision, written_at = now()
    RETURNING user_id, title_id, revision
)
SELECT user_id, title_id, revision FROM merged WHERE %(told)s::boolean

-- name: known_states
-- What is known of the touched rows; `place` is the one in the lists. Nobody else writes them meanwhile: the store holds
-- the locks of their partitions. Lists as JSON, because a client makes them twenty times as fast as arrays.
SELECT touched.place, known.document, known.event_at
FROM ROWS FROM (json_array_elements_text(%(user_ids)s::json), json_array_elements_text(%(title_ids)s::json))
    WITH ORDINALITY AS touched (user_id, title_id, place)
JOIN watch_state_v{v} AS known USING (user_id, title_id)

-- name: stage_states
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_states (
    user_id text COLLATE "C", title_id text COLLATE "C", document bytea, position_ms bigint, duration_ms bigint,
    position_hlc bigint, position_device text, watched boolean, watched_hlc bigint, watched_device text,
    finished boolean, event_at timestamptz
) ON COMMIT DELETE ROWS

-- name: copy_states
-- Columns in the order of stage_states.
COPY incoming_states FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- Every staged row has changed, so every one gets a revision. They are only sent back where somebody is told of them.
WITH merged AS (
    INSERT INTO watch_state_v{v} AS t (
        user_id, title_id, document, position_ms, duration_ms, position_hlc, position_device, watched, watched_hlc,
        watched_device, finished, event_at, revision
    )
    SELECT user_id, title_id, document, position_ms, duration_ms, position_hlc, position_device, watched, watched_hlc,
        watched_device, finished, event_at, nextval('change_revisions')
    FROM incoming_states
    ON CONFLICT (user_id, title_id) DO UPDATE SET
        document = excluded.document, position_ms = excluded.position_ms, duration_ms = excluded.duration_ms,
        position_hlc = excluded.position_hlc, position_device = excluded.position_device, watched = excluded.watched,
        watched_hlc = excluded.watched_hlc, watched_device = excluded.watched_device, finished = excluded.finished,
        event_at = excluded.event_at, revision = excluded.revision, written_at = now()
    RETURNING user_id, title_id, revision
)
SELECT user_id, title_id, revision FROM merged WHERE %(told)s::boolean

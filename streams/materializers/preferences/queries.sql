-- name: stage_preferences
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_preferences (
    user_id text COLLATE "C", name text COLLATE "C", value text COLLATE "C", hlc bigint, device_id text COLLATE "C",
    event_at timestamptz
) ON COMMIT DELETE ROWS

-- name: copy_preferences
-- Columns in the order of stage_preferences.
COPY incoming_preferences FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- Revisions are drawn for winners only, in the order of the rows; the guard on conflict is for a second owner.
WITH changed AS (
    INSERT INTO preferences_v{v} AS t (user_id, name, value, hlc, device_id, event_at, revision, written_at)
    SELECT user_id, name, value, hlc, device_id, event_at, nextval('change_revisions'), now()
    FROM incoming_preferences AS i
    WHERE NOT EXISTS (
        SELECT FROM preferences_v{v} AS k WHERE k.user_id = i.user_id AND k.name = i.name
            AND (k.hlc, k.device_id, k.value IS NOT NULL, coalesce(k.value, ''), k.event_at)
            >= (i.hlc, i.device_id, i.value IS NOT NULL, coalesce(i.value, ''), i.event_at)
    )
    ORDER BY user_id, name
    ON CONFLICT (user_id, name) DO UPDATE SET
        value = excluded.value, hlc = excluded.hlc, device_id = excluded.device_id, event_at = excluded.event_at,
        revision = excluded.revision, written_at = excluded.written_at
    WHERE (excluded.hlc, excluded.device_id, excluded.value IS NOT NULL, coalesce(excluded.value, ''), excluded.event_at)
        > (t.hlc, t.device_id, t.value IS NOT NULL, coalesce(t.value, ''), t.event_at)
    RETURNING user_id, name, value, hlc, device_id, event_at, revision
)
SELECT user_id, name, value, hlc, device_id, event_at, revision FROM changed LIMIT %(most)s

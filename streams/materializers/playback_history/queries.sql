-- name: stage_sessions
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_sessions (
    user_id text COLLATE "C", session_id text COLLATE "C", title_id text COLLATE "C", device_id text COLLATE "C",
    region text COLLATE "C", started_at timestamptz, ended_at timestamptz, reason text COLLATE "C", position_ms bigint,
    duration_ms bigint, watched_ms bigint, hlc bigint
) ON COMMIT DELETE ROWS

-- name: copy_sessions
-- Columns in the order of stage_sessions.
COPY incoming_sessions FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- Revisions are drawn for winners only, in the order of the rows; the guard on conflict is for a second owner. earliest
-- and latest let the planner leave out the months that the batch does not touch.
WITH changed AS (
    INSERT INTO playback_history_v{v} AS t (
        user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
        watched_ms, hlc, revision, written_at
    )
    SELECT user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
        watched_ms, hlc, nextval('change_revisions'), now()
    FROM incoming_sessions AS i
    WHERE NOT EXISTS (
        SELECT FROM playback_history_v{v} AS k
        WHERE k.user_id = i.user_id AND k.session_id = i.session_id AND k.started_at = i.started_at
            AND k.started_at BETWEEN %(earliest)s AND %(latest)s
            AND (
                k.hlc, k.ended_at IS NOT NULL, coalesce(k.ended_at, '-infinity'), k.watched_ms, k.position_ms,
                coalesce(k.reason, ''), coalesce(k.duration_ms, -1), k.title_id, k.device_id, k.region
            ) >= (
                i.hlc, i.ended_at IS NOT NULL, coalesce(i.ended_at, '-infinity'), i.watched_ms, i.position_ms,
                coalesce(i.reason, ''), coalesce(i.duration_ms, -1), i.title_id, i.device_id, i.region
            )
    )
    ORDER BY user_id, session_id, started_at
    ON CONFLICT (user_id, session_id, started_at) DO UPDATE SET
        title_id = excluded.title_id, device_id = excluded.device_id, region = excluded.region,
        ended_at = excluded.ended_at, reason = excluded.reason, position_ms = excluded.position_ms,
        duration_ms = excluded.duration_ms, watched_ms = excluded.watched_ms, hlc = excluded.hlc,
        revision = excluded.revision, written_at = excluded.written_at
    WHERE (
        excluded.hlc, excluded.ended_at IS NOT NULL, coalesce(excluded.ended_at, '-infinity'), excluded.watched_ms,
        excluded.position_ms, coalesce(excluded.reason, ''), coalesce(excluded.duration_ms, -1), excluded.title_id,
        excluded.device_id, excluded.region
    ) > (
        t.hlc, t.ended_at IS NOT NULL, coalesce(t.ended_at, '-infinity'), t.watched_ms, t.position_ms,
        coalesce(t.reason, ''), coalesce(t.duration_ms, -1), t.title_id, t.device_id, t.region
    )
    RETURNING user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
        watched_ms, hlc, revision
)
SELECT user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
    watched_ms, hlc, revision
FROM changed LIMIT %(most)s

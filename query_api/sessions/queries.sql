-- name: page
-- Newest first. `open`: true for those that go on, false for those that ended, null for both.
SELECT user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
    watched_ms, hlc, revision
FROM playback_history
WHERE user_id = %(user_id)s
    AND (%(open)s::boolean IS NULL OR (ended_at IS NULL) = %(open)s::boolean)
    AND (
        %(started_at)s::timestamptz IS NULL
        OR (started_at, session_id) < (%(started_at)s::timestamptz, %(session_id)s::text COLLATE "C")
    )
ORDER BY started_at DESC, session_id DESC
LIMIT %(limit)s;

-- name: one
-- Should an id ever have begun twice, its newest beginning.
SELECT user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
    watched_ms, hlc, revision
FROM playback_history
WHERE user_id = %(user_id)s AND session_id = %(session_id)s
ORDER BY started_at DESC LIMIT 1;

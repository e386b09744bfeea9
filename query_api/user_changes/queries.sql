-- name: standing
-- The newest revision given out (for every row visible here, this one is not lower), and each read model's serving version and positions.
SELECT
    v.read_model, v.version, p.topic, p.partition, p.next, p.updated_at,
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM change_revisions) AS newest
FROM read_model_versions AS v
LEFT JOIN consumer_positions AS p ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = ANY(%(read_models)s::text[]);

-- name: changed
-- The lowest revisions above those seen, over all kinds. A kind that is not asked for has the highest possible revision.
SELECT kind, revision FROM (
    (SELECT 'watch_state' AS kind, revision FROM watch_state
     WHERE user_id = %(user_id)s AND revision > %(watch_state)s::bigint ORDER BY revision LIMIT %(limit)s)
    UNION ALL
    (SELECT 'watchlist', revision FROM watchlist
     WHERE user_id = %(user_id)s AND revision > %(watchlist)s::bigint ORDER BY revision LIMIT %(limit)s)
    UNION ALL
    (SELECT 'ratings', revision FROM ratings
     WHERE user_id = %(user_id)s AND revision > %(ratings)s::bigint ORDER BY revision LIMIT %(limit)s)
    UNION ALL
    (SELECT 'preferences', revision FROM preferences
     WHERE user_id = %(user_id)s AND revision > %(preferences)s::bigint ORDER BY revision LIMIT %(limit)s)
    UNION ALL
    (SELECT 'devices', revision FROM devices
     WHERE user_id = %(user_id)s AND revision > %(devices)s::bigint ORDER BY revision LIMIT %(limit)s)
    UNION ALL
    (SELECT 'device_commands', revision FROM device_commands
     WHERE user_id = %(user_id)s AND revision > %(device_commands)s::bigint AND expires_at > %(now)s
     ORDER BY revision LIMIT %(limit)s)
    UNION ALL
    (SELECT 'playback_history', revision FROM playback_history
     WHERE user_id = %(user_id)s AND revision > %(playback_history)s::bigint ORDER BY revision LIMIT %(limit)s)
) AS above
ORDER BY revision LIMIT %(limit)s;

-- name: watch_state
-- A stretch of revisions.
SELECT user_id, title_id, position_ms, duration_ms, position_hlc, position_device, watched, watched_hlc,
    watched_device, finished, event_at, revision
FROM watch_state
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint
ORDER BY revision;

-- name: watchlist
-- A stretch of revisions; the tags are in the document.
SELECT user_id, title_id, document, event_at, revision
FROM watchlist
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint
ORDER BY revision;

-- name: ratings
-- A stretch of revisions.
SELECT user_id, title_id, rating, hlc, device_id, rated_at, revision
FROM ratings
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint
ORDER BY revision;

-- name: preferences
-- A stretch of revisions.
SELECT user_id, name, value, hlc, device_id, event_at, revision
FROM preferences
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint
ORDER BY revision;

-- name: devices
-- A stretch of revisions.
SELECT user_id, device_id, name, kind, capabilities, removed, hlc, event_at, revision
FROM devices
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint
ORDER BY revision;

-- name: device_commands
-- A stretch of revisions, of those that can still be carried out.
SELECT user_id, command_id, device_id, target_device_id, command, title_id, position_ms, issued_at, expires_at, revision
FROM device_commands
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint AND expires_at > %(now)s
ORDER BY revision;

-- name: playback_history
-- A stretch of revisions.
SELECT user_id, session_id, title_id, device_id, region, started_at, ended_at, reason, position_ms, duration_ms,
    watched_ms, hlc, revision
FROM playback_history
WHERE user_id = %(user_id)s AND revision > %(above)s::bigint AND revision <= %(upto)s::bigint
ORDER BY revision;

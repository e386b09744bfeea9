-- name: standing
-- Each read model's serving version and how far it is.
SELECT v.read_model, v.version, p.topic, p.partition, p.next
FROM read_model_versions AS v
LEFT JOIN consumer_positions AS p ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = ANY(%(read_models)s::text[])

-- name: now
-- The newest revision of each kind that one person has, with the version it belongs to. The newest one given out would not
-- do: the transaction that took it may not have committed yet.
SELECT k.kind, v.version, k.revision FROM (
    SELECT 'watch_state' AS kind, 'watch_state' AS read_model,
        (SELECT coalesce(max(revision), 0) FROM watch_state WHERE user_id = %(user_id)s) AS revision
    UNION ALL
    SELECT 'watchlist', 'watchlist',
        (SELECT coalesce(max(revision), 0) FROM watchlist WHERE user_id = %(user_id)s)
    UNION ALL
    SELECT 'ratings', 'ratings',
        (SELECT coalesce(max(revision), 0) FROM ratings WHERE user_id = %(user_id)s)
    UNION ALL
    SELECT 'preferences', 'preferences',
        (SELECT coalesce(max(revision), 0) FROM preferences WHERE user_id = %(user_id)s)
    UNION ALL
    SELECT 'devices', 'devices',
        (SELECT coalesce(max(revision), 0) FROM devices WHERE user_id = %(user_id)s)
    UNION ALL
    SELECT 'device_commands', 'devices',
        (SELECT coalesce(max(revision), 0) FROM device_commands WHERE user_id = %(user_id)s)
    UNION ALL
    SELECT 'playback_history', 'playback_history',
        (SELECT coalesce(max(revision), 0) FROM playback_history WHERE user_id = %(user_id)s)
) AS k
JOIN read_model_versions AS v ON v.read_model = k.read_model

-- name: above
-- Which of many listeners have something above what they were told.
SELECT c.place
FROM unnest(
    %(places)s::int[], %(user_ids)s::text[], %(watch_state)s::bigint[], %(watchlist)s::bigint[], %(ratings)s::bigint[],
    %(preferences)s::bigint[], %(devices)s::bigint[], %(device_commands)s::bigint[], %(playback_history)s::bigint[]
) AS c (
    place, user_id, watch_state, watchlist, ratings, preferences, devices, device_commands, playback_history
)
WHERE EXISTS (SELECT FROM watch_state AS t WHERE t.user_id = c.user_id AND t.revision > c.watch_state)
    OR EXISTS (SELECT FROM watchlist AS t WHERE t.user_id = c.user_id AND t.revision > c.watchlist)
    OR EXISTS (SELECT FROM ratings AS t WHERE t.user_id = c.user_id AND t.revision > c.ratings)
    OR EXISTS (SELECT FROM preferences AS t WHERE t.user_id = c.user_id AND t.revision > c.preferences)
    OR EXISTS (SELECT FROM devices AS t WHERE t.user_id = c.user_id AND t.revision > c.devices)
    OR EXISTS (
        SELECT FROM device_commands AS t
        WHERE t.user_id = c.user_id AND t.revision > c.device_commands AND t.expires_at > %(now)s
    )
    OR EXISTS (SELECT FROM playback_history AS t WHERE t.user_id = c.user_id AND t.revision > c.playback_history)

-- name: ping
-- Readiness: the views are there and readable.
SELECT l.user_id FROM (SELECT user_id FROM watchlist LIMIT 1) AS l
CROSS JOIN (SELECT user_id FROM devices LIMIT 1) AS d

-- name: listed
-- How many titles are on a list, and which of these are.
SELECT
    (SELECT count(*) FROM watchlist WHERE user_id = %(user_id)s AND present) AS titles,
    ARRAY(
        SELECT title_id FROM watchlist
        WHERE user_id = %(user_id)s AND title_id = ANY(%(title_ids)s::text[]) AND present
    ) AS known

-- name: device
-- What is known of one device, also when it was removed.
SELECT name, kind, removed, hlc FROM devices WHERE user_id = %(user_id)s AND device_id = %(device_id)s

-- name: device_positions
-- How far the serving version of devices is.
SELECT p.topic, p.partition, p.next
FROM consumer_positions AS p
JOIN read_model_versions AS v ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = 'devices'

-- name: become_leader
-- One sender, whatever else runs: a session holds it.
SELECT pg_try_advisory_lock(hashtextextended('webhook_deliveries', 0))

-- name: join_feed
-- A new subscriber starts at the end of the feed.
INSERT INTO webhook_subscribers (name, offsets)
SELECT
    %(name)s,
    (
        SELECT coalesce(jsonb_object_agg(p.partition, p.next), '{}'::jsonb)
        FROM consumer_positions AS p
        JOIN read_model_versions AS v ON p.consumer = v.read_model || '_v' || v.version
        WHERE v.read_model = %(read_model)s
    )
WHERE NOT EXISTS (SELECT FROM webhook_subscribers WHERE name = %(name)s)
ON CONFLICT DO NOTHING

-- name: fan_out
-- The next stretch of each partition, wherever it has moved since. The row lock keeps a second sender out; what is
-- filtered away moves the place too.
WITH mine AS (
    SELECT name, offsets FROM webhook_subscribers WHERE name = %(name)s AND disabled_at IS NULL FOR UPDATE
), ends AS (
    SELECT p.partition, p.next, coalesce((m.offsets ->> p.partition::text)::bigint, 0) AS seen
    FROM mine AS m
    CROSS JOIN consumer_positions AS p
    JOIN read_model_versions AS v ON p.consumer = v.read_model || '_v' || v.version
    WHERE v.read_model = %(read_model)s
), stretch AS (
    SELECT c.partition, c.log_offset, c.event_id, c.change, c.region, c.provider, c.document
    FROM ends AS e
    CROSS JOIN LATERAL (
        SELECT partition, log_offset, event_id, change, region, provider, document FROM availability_changes
        WHERE partition = e.partition AND log_offset >= e.seen
        ORDER BY log_offset LIMIT %(most)s
    ) AS c
    WHERE e.next > e.seen
), moved AS (
    UPDATE webhook_subscribers AS s SET offsets = s.offsets || (
        SELECT jsonb_object_agg(e.partition, CASE WHEN l.found = %(most)s THEN l.last + 1 ELSE greatest(e.next, e.seen) END)
        FROM ends AS e
        LEFT JOIN (
            SELECT partition, count(*) AS found, max(log_offset) AS last FROM stretch GROUP BY partition
        ) AS l USING (partition)
    )
    WHERE s.name = %(name)s AND EXISTS (SELECT FROM ends WHERE next > seen)
)
INSERT INTO webhook_deliveries (subscriber, event_id, change, document)
SELECT %(name)s, event_id, change, document
FROM stretch
WHERE (cardinality(%(changes)s::text[]) = 0 OR change = ANY(%(changes)s))
  AND (cardinality(%(regions)s::text[]) = 0 OR region = ANY(%(regions)s))
  AND (cardinality(%(providers)s::text[]) = 0 OR provider = ANY(%(providers)s))
ORDER BY partition, log_offset
ON CONFLICT (subscriber, event_id) DO NOTHING

-- name: due
-- What is to be sent now, oldest first.
SELECT d.event_id, d.document, d.attempts, d.created_at
FROM webhook_deliveries AS d
JOIN webhook_subscribers AS s ON s.name = d.subscriber
WHERE d.subscriber = %(subscriber)s AND d.state = 'waiting' AND d.next_at <= %(now)s AND s.disabled_at IS NULL
  AND NOT d.event_id = ANY(%(without)s::text[])
ORDER BY d.next_at, d.event_id
LIMIT %(limit)s

-- name: record
-- The attempt and what follows from it, once: whoever comes second finds another number of attempts.
WITH made AS (
    UPDATE webhook_deliveries SET
        attempts = %(attempt)s,
        state = %(state)s,
        next_at = coalesce(%(next_at)s::timestamptz, next_at),
        finished_at = CASE WHEN %(state)s = 'waiting' THEN NULL ELSE now() END
    WHERE subscriber = %(subscriber)s AND event_id = %(event_id)s AND state = 'waiting' AND attempts = %(expected)s
    RETURNING subscriber, event_id
)
INSERT INTO webhook_attempts (subscriber, event_id, attempt, at, status, trouble, milliseconds)
SELECT subscriber, event_id, %(attempt)s, %(at)s, %(status)s, %(trouble)s, %(milliseconds)s FROM made

-- name: disable
-- The first reason stays.
UPDATE webhook_subscribers SET disabled_at = now(), disabled_why = %(why)s WHERE name = %(name)s AND disabled_at IS NULL

-- name: waiting
-- By subscriber.
SELECT subscriber, count(*) FROM webhook_deliveries WHERE state = 'waiting' GROUP BY subscriber

-- name: forget
-- A thousand at a time.
DELETE FROM webhook_deliveries AS d USING (
    SELECT subscriber, event_id FROM webhook_deliveries
    WHERE state <> 'waiting' AND finished_at < now() - make_interval(days => %(days)s)
    ORDER BY finished_at LIMIT 1000
) AS old
WHERE d.subscriber = old.subscriber AND d.event_id = old.event_id

-- name: overview
-- One row a subscriber that was ever sent to.
SELECT
    s.name, s.disabled_at, s.disabled_why,
    count(*) FILTER (WHERE d.state = 'waiting') AS waiting,
    count(*) FILTER (WHERE d.state = 'delivered') AS delivered,
    count(*) FILTER (WHERE d.state = 'failed') AS failed,
    min(d.created_at) FILTER (WHERE d.state = 'waiting') AS oldest
FROM webhook_subscribers AS s
LEFT JOIN webhook_deliveries AS d ON d.subscriber = s.name
GROUP BY s.name ORDER BY s.name

-- name: recent
-- Newest first, each with its last attempt.
SELECT d.event_id, d.change, d.state, d.attempts, d.created_at, d.next_at, a.at, a.status, a.trouble, a.milliseconds
FROM webhook_deliveries AS d
LEFT JOIN LATERAL (
    SELECT at, status, trouble, milliseconds FROM webhook_attempts
    WHERE subscriber = d.subscriber AND event_id = d.event_id ORDER BY id DESC LIMIT 1
) AS a ON true
WHERE d.subscriber = %(name)s AND (%(state)s::text IS NULL OR d.state = %(state)s)
ORDER BY d.created_at DESC, d.event_id
LIMIT %(limit)s

-- name: attempts
-- Of one message, first to last.
SELECT attempt, at, status, trouble, milliseconds FROM webhook_attempts
WHERE subscriber = %(name)s AND event_id = %(event_id)s ORDER BY id

-- name: document
-- What one message says.
SELECT document, state, attempts FROM webhook_deliveries WHERE subscriber = %(name)s AND event_id = %(event_id)s

-- name: enable
-- Whatever waited is due.
WITH enabled AS (
    UPDATE webhook_subscribers SET disabled_at = NULL, disabled_why = NULL WHERE name = %(name)s RETURNING name
)
UPDATE webhook_deliveries AS d SET next_at = now() FROM enabled AS e WHERE d.subscriber = e.name AND d.state = 'waiting'

-- name: forget_subscriber
-- With its deliveries and their log.
DELETE FROM webhook_subscribers WHERE name = %(name)s

-- name: send_again
-- From the first attempt; of what is still kept.
UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_at = now(), finished_at = NULL
WHERE subscriber = %(name)s
  AND (cardinality(%(event_ids)s::text[]) = 0 OR event_id = ANY(%(event_ids)s))
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)

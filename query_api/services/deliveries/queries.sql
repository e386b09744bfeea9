-- name: ping
-- Readiness: the view is there and readable.
SELECT delivery_id FROM provider_deliveries LIMIT 1

-- name: page
-- The page first, then its items: counting stays within the deliveries shown.
WITH page AS (
    SELECT provider, delivery_id, accepted_at FROM provider_deliveries
    WHERE provider = %(provider)s
        AND (
            %(accepted_at)s::timestamptz IS NULL
            OR (accepted_at, delivery_id) < (%(accepted_at)s::timestamptz, %(delivery_id)s::text)
        )
    ORDER BY accepted_at DESC, delivery_id DESC
    LIMIT %(limit)s
)
SELECT p.delivery_id, p.accepted_at, c.items, c.accepted, c.normalized, c.withdrawn, c.dead_lettered
FROM page AS p
CROSS JOIN LATERAL (
    SELECT count(*) AS items,
        count(*) FILTER (WHERE i.outcome = 'accepted') AS accepted,
        count(*) FILTER (WHERE i.outcome = 'normalized') AS normalized,
        count(*) FILTER (WHERE i.outcome = 'withdrawn') AS withdrawn,
        count(*) FILTER (WHERE i.outcome = 'dead_lettered') AS dead_lettered
    FROM provider_delivery_items AS i
    WHERE i.provider = p.provider AND i.delivery_id = p.delivery_id
) AS c
ORDER BY p.accepted_at DESC, p.delivery_id DESC

-- name: refused
-- The first few of each delivery.
SELECT d.delivery_id, i.native_id, i.ordinal, i.consumer, i.reason, i.detail
FROM unnest(%(delivery_ids)s::text[]) AS d (delivery_id)
CROSS JOIN LATERAL (
    SELECT native_id, ordinal, refused_by AS consumer, reason, detail
    FROM provider_delivery_items
    WHERE provider = %(provider)s AND delivery_id = d.delivery_id AND outcome = 'dead_lettered'
    ORDER BY ordinal, native_id LIMIT %(most)s
) AS i
ORDER BY d.delivery_id, i.ordinal, i.native_id

-- name: positions
-- How far the serving version is.
SELECT p.topic, p.partition, p.next
FROM consumer_positions AS p
JOIN read_model_versions AS v ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = 'provider_deliveries'

-- name: as_of
-- When the serving version last moved.
SELECT max(p.updated_at) AS as_of
FROM consumer_positions AS p
JOIN read_model_versions AS v ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = 'provider_deliveries'

-- name: newest
-- Of each provider that ever delivered, by the index of pages.
SELECT p.provider, n.accepted_at
FROM unnest(%(providers)s::text[]) AS p (provider)
CROSS JOIN LATERAL (
    SELECT accepted_at FROM provider_deliveries
    WHERE provider = p.provider ORDER BY accepted_at DESC, delivery_id DESC LIMIT 1
) AS n

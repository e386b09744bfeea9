-- name: merge_deliveries
-- A delivery's time is that of its first item, in whatever order they come.
INSERT INTO provider_deliveries_v{v} AS t (provider, delivery_id, accepted_at)
SELECT * FROM unnest(%(provider)s::text[], %(delivery_id)s::text[], %(accepted_at)s::timestamptz[])
ON CONFLICT (provider, delivery_id) DO UPDATE SET accepted_at = excluded.accepted_at
WHERE excluded.accepted_at < t.accepted_at

-- name: merge_items
-- Columns of different facts do not touch each other; of two refusals the later stage, then the later try counts.
INSERT INTO provider_delivery_items_v{v} AS t (
    provider, delivery_id, native_id, ordinal, normalized_as,
    refused_by, refused_stage, refused_offset, reason, detail
)
SELECT * FROM unnest(
    %(provider)s::text[], %(delivery_id)s::text[], %(native_id)s::text[], %(ordinal)s::integer[],
    %(normalized_as)s::text[], %(refused_by)s::text[], %(refused_stage)s::smallint[], %(refused_offset)s::bigint[],
    %(reason)s::text[], %(detail)s::text[]
)
ON CONFLICT (provider, delivery_id, native_id) DO UPDATE SET
    ordinal = coalesce(t.ordinal, excluded.ordinal),
    normalized_as = greatest(t.normalized_as, excluded.normalized_as),
    (refused_by, refused_stage, refused_offset, reason, detail) = (
        SELECT f.refused_by, f.refused_stage, f.refused_offset, f.reason, f.detail
        FROM (
            VALUES (t.refused_by, t.refused_stage, t.refused_offset, t.reason, t.detail),
                (excluded.refused_by, excluded.refused_stage, excluded.refused_offset, excluded.reason, excluded.detail)
        ) AS f (refused_by, refused_stage, refused_offset, reason, detail)
        ORDER BY f.refused_stage DESC, f.refused_offset DESC LIMIT 1
    )
WHERE (t.ordinal IS NULL AND excluded.ordinal IS NOT NULL)
    OR t.normalized_as IS DISTINCT FROM greatest(t.normalized_as, excluded.normalized_as)
    OR (excluded.refused_stage, excluded.refused_offset) > (t.refused_stage, t.refused_offset)

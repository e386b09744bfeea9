-- name: quality
-- Every title (or one) scored in one pass; the sums over them, and a page of the lowest. The documents are parsed once each.
WITH titles AS (
    SELECT t.title_id, t.name, t.kind, t.event_at, m.music, array_remove(ARRAY[
            CASE WHEN NOT m.music AND coalesce(d.overview, '') = '' THEN 'overview' END,
            CASE WHEN coalesce(d.images::text, '') !~ '"kind" ?: ?"(poster|cover)"' THEN 'poster' END,
            CASE WHEN NOT m.music AND coalesce(d.images::text, '') !~ '"kind" ?: ?"(backdrop|still)"' THEN 'backdrop' END,
            CASE WHEN t.year IS NULL THEN 'year' END,
            CASE WHEN d.runtime_minutes IS NULL THEN 'runtime' END,
            CASE WHEN coalesce(d.genres::text, '[]') = '[]' THEN 'genres' END,
            CASE WHEN t.popularity <= 0 THEN 'popularity' END,
            CASE WHEN coalesce(d.external_ids::text, '[]') = '[]' THEN 'externalIds' END
        ], NULL) AS missing
    FROM title_catalog AS t
    CROSS JOIN LATERAL json_to_record(t.document) AS d (
        overview text, images json, runtime_minutes integer, genres json, external_ids json
    )
    CROSS JOIN LATERAL (SELECT t.kind IN ('track', 'album') AS music) AS m
    WHERE t.state = 'live'
        AND (%(title_id)s::text IS NULL OR t.title_id = %(title_id)s)
        AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
), parts AS (
    SELECT t.title_id, t.name, t.kind, t.event_at, t.missing,
        1 - coalesce((
            SELECT sum(w.weight)
            FROM unnest(%(fields)s::text[], %(weights)s::float8[]) AS w (field, weight)
            WHERE w.field = ANY(t.missing)
        ), 0) / CASE WHEN t.music THEN %(whole_of_music)s::float8 ELSE %(whole)s::float8 END AS completeness,
        greatest(
            exp(-%(decay)s::float8 * greatest(floor(extract(epoch FROM %(now)s::timestamptz - t.event_at) / 86400), 0)),
            %(least)s::float8
        ) AS freshness
    FROM titles AS t
), scored AS MATERIALIZED (
    SELECT title_id, name, kind, event_at, missing,
        round(completeness::numeric, 6)::float8 AS completeness,
        round(freshness::numeric, 6)::float8 AS freshness,
        round((completeness * freshness)::numeric, 6)::float8 AS score
    FROM parts
), low AS (
    SELECT * FROM scored
    WHERE score < %(threshold)s::float8
        AND (%(after_score)s::float8 IS NULL OR (score, title_id) > (%(after_score)s, %(after_id)s::text))
    ORDER BY score, title_id
    LIMIT %(limit)s
)
SELECT
    (SELECT count(*) FROM scored) AS titles,
    (SELECT avg(score) FROM scored) AS mean,
    (
        SELECT coalesce(json_object_agg(b.bucket, b.titles), '{}'::json)
        FROM (
            SELECT greatest(ceil(score * %(buckets)s::integer)::integer, 1) AS bucket, count(*) AS titles
            FROM scored GROUP BY 1
        ) AS b
    ) AS buckets,
    (
        SELECT coalesce(json_object_agg(f.field, f.titles), '{}'::json)
        FROM (SELECT field, count(*) AS titles FROM scored CROSS JOIN unnest(missing) AS field GROUP BY field) AS f
    ) AS missing,
    (SELECT coalesce(json_agg(low ORDER BY score, title_id), '[]'::json) FROM low) AS low;

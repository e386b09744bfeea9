-- name: cards
-- A merged title leads to its successor's card, over at most ten mergers.
WITH RECURSIVE followed AS (
    SELECT title_id AS asked, title_id, state, successor_id, 0 AS hops
    FROM title_catalog WHERE title_id = ANY(%(title_ids)s::text[])
    UNION ALL
    SELECT l.asked, t.title_id, t.state, t.successor_id, l.hops + 1
    FROM followed AS l JOIN title_catalog AS t ON t.title_id = l.successor_id
    WHERE l.state = 'merged' AND l.hops < 10
), shown AS (
    SELECT DISTINCT ON (asked) asked, title_id, hops FROM followed ORDER BY asked, hops DESC
)
SELECT s.asked AS title_id, a.state, CASE WHEN s.hops > 0 THEN s.title_id ELSE a.successor_id END AS successor_id,
    t.name, t.kind, t.year,
    t.document ->> 'series_name' AS series_name,
    (t.document ->> 'season_number')::integer AS season_number,
    (t.document ->> 'episode_number')::integer AS episode_number,
    (t.document -> 'images')::text AS images
FROM shown AS s
JOIN title_catalog AS a ON a.title_id = s.asked
JOIN title_catalog AS t ON t.title_id = s.title_id;

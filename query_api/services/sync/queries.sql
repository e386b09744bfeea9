-- name: watchlist
-- A page in list order behind one place of it, each row with the number of titles on the whole list; one row of nothing
-- but that number when the page is empty. The tags are in the document.
WITH page AS (
    SELECT user_id, title_id, rank, document, event_at, revision
    FROM watchlist
    WHERE user_id = %(user_id)s AND present
        AND (
            %(rank)s::text IS NULL OR (rank, title_id) > (%(rank)s::text COLLATE "C", %(title_id)s::text COLLATE "C")
        )
    ORDER BY rank, title_id
    LIMIT %(limit)s
)
SELECT whole.total, page.user_id, page.title_id, page.document, page.event_at, page.revision
FROM (SELECT count(*) AS total FROM watchlist WHERE user_id = %(user_id)s AND present) AS whole
LEFT JOIN page ON true
ORDER BY page.rank, page.title_id;

-- name: candidates
-- What could be continued: everything unfinished, and what is finished of series. A merged title counts as its successor,
-- over at most ten mergers.
-- `stamp` is the clock of the position, or of the mark that came after it.
SELECT w.title_id, w.finished,
    CASE
        WHEN w.finished AND w.watched THEN greatest(w.position_hlc, w.watched_hlc)
        ELSE w.position_hlc
    END AS stamp,
    coalesce(s.title_id, t.title_id, w.title_id) AS shown_id,
    coalesce(s.kind, t.kind) AS kind,
    CASE coalesce(s.kind, t.kind)
        WHEN 'series' THEN coalesce(s.name, t.name)
        WHEN 'season' THEN coalesce(s.document, t.document) ->> 'series_name'
        WHEN 'episode' THEN coalesce(s.document, t.document) ->> 'series_name'
    END AS series_name,
    CASE coalesce(s.kind, t.kind)
        WHEN 'episode' THEN (coalesce(s.document, t.document) ->> 'season_number')::integer
    END AS season_number,
    CASE coalesce(s.kind, t.kind)
        WHEN 'episode' THEN (coalesce(s.document, t.document) ->> 'episode_number')::integer
    END AS episode_number
FROM watch_state AS w
LEFT JOIN title_catalog AS t ON t.title_id = w.title_id COLLATE "default"
LEFT JOIN LATERAL (
    WITH RECURSIVE followed AS (
        SELECT n.title_id, n.state, n.successor_id, n.kind, n.name, n.document, 1 AS hops
        FROM title_catalog AS n WHERE t.state = 'merged' AND n.title_id = t.successor_id
        UNION ALL
        SELECT n.title_id, n.state, n.successor_id, n.kind, n.name, n.document, f.hops + 1
        FROM followed AS f JOIN title_catalog AS n ON n.title_id = f.successor_id
        WHERE f.state = 'merged' AND f.hops < 10
    )
    SELECT title_id, kind, name, document FROM followed ORDER BY hops DESC LIMIT 1
) AS s ON true
WHERE w.user_id = %(user_id)s
    AND (
        NOT w.finished
        OR (w.watched OR w.position_hlc IS NOT NULL) AND coalesce(s.kind, t.kind) IN ('series', 'season', 'episode')
    );

-- name: next_episodes
-- The first known episode behind each of some; those without a season number follow each other by themselves.
SELECT a.title_id AS after_id, n.title_id
FROM unnest(
    %(title_ids)s::text[], %(series)s::text[], %(seasons)s::integer[], %(episodes)s::integer[]
) AS a (title_id, series_name, season, episode)
CROSS JOIN LATERAL (
    SELECT e.title_id
    FROM title_catalog AS e
    WHERE e.kind = 'episode'
        AND (e.document ->> 'series_name') = a.series_name
        AND CASE
            WHEN a.season IS NULL
                THEN (e.document ->> 'season_number') IS NULL AND (e.document ->> 'episode_number')::integer > a.episode
            ELSE ((e.document ->> 'season_number')::integer, (e.document ->> 'episode_number')::integer)
                > (a.season, a.episode)
        END
    ORDER BY (e.document ->> 'season_number')::integer, (e.document ->> 'episode_number')::integer, e.title_id
    LIMIT 1
) AS n;

-- name: watch_states
-- Of some titles.
SELECT user_id, title_id, position_ms, duration_ms, position_hlc, position_device, watched, watched_hlc,
    watched_device, finished, event_at, revision
FROM watch_state
WHERE user_id = %(user_id)s AND title_id = ANY(%(title_ids)s::text[]);

-- name: watch_states_as_one
-- Of a title, of the one it was merged into, and of all that were merged into that, each over at most ten mergers.
WITH RECURSIVE onwards AS (
    SELECT title_id, state, successor_id, 0 AS hops FROM title_catalog WHERE title_id = %(title_id)s::text
    UNION ALL
    SELECT t.title_id, t.state, t.successor_id, o.hops + 1
    FROM onwards AS o JOIN title_catalog AS t ON t.title_id = o.successor_id
    WHERE o.state = 'merged' AND o.hops < 10
), family AS (
    SELECT title_id, 0 AS hops FROM (SELECT title_id FROM onwards ORDER BY hops DESC LIMIT 1) AS final
    UNION
    SELECT t.title_id, f.hops + 1
    FROM family AS f JOIN title_catalog AS t ON t.successor_id = f.title_id
    WHERE t.state = 'merged' AND f.hops < 10
)
SELECT user_id, title_id, position_ms, duration_ms, position_hlc, position_device, watched, watched_hlc,
    watched_device, finished, event_at, revision
FROM watch_state
WHERE user_id = %(user_id)s AND title_id = ANY(ARRAY(SELECT title_id FROM family UNION SELECT %(title_id)s::text))
ORDER BY title_id;

-- name: ratings
-- Newest first.
SELECT user_id, title_id, rating, hlc, device_id, rated_at, revision
FROM ratings
WHERE user_id = %(user_id)s
    AND (
        %(rated_at)s::timestamptz IS NULL
        OR rated_at < %(rated_at)s::timestamptz
        OR rated_at = %(rated_at)s::timestamptz AND title_id > %(title_id)s::text COLLATE "C"
    )
ORDER BY rated_at DESC, title_id
LIMIT %(limit)s;

-- name: preferences
-- Without those that were taken back.
SELECT user_id, name, value, hlc, device_id, event_at, revision
FROM preferences
WHERE user_id = %(user_id)s AND value IS NOT NULL
ORDER BY name;

-- name: devices
-- Without those that were removed.
SELECT user_id, device_id, name, kind, capabilities, removed, hlc, event_at, revision
FROM devices
WHERE user_id = %(user_id)s AND NOT removed
ORDER BY device_id;

-- name: stage_ratings
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_ratings (
    user_id text COLLATE "C", title_id text COLLATE "C", rating double precision, hlc bigint,
    device_id text COLLATE "C", rated_at timestamptz
) ON COMMIT DELETE ROWS

-- name: copy_ratings
-- Columns in the order of stage_ratings.
COPY incoming_ratings FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- Revisions are drawn for winners only, in the order of the rows; the guard on conflict is for a second owner.
WITH changed AS (
    INSERT INTO ratings_v{v} AS t (user_id, title_id, rating, hlc, device_id, rated_at, revision, written_at)
    SELECT user_id, title_id, rating, hlc, device_id, rated_at, nextval('change_revisions'), now()
    FROM incoming_ratings AS i
    WHERE NOT EXISTS (
        SELECT FROM ratings_v{v} AS k WHERE k.user_id = i.user_id AND k.title_id = i.title_id
            AND (k.hlc, k.device_id, k.rating, k.rated_at) >= (i.hlc, i.device_id, i.rating, i.rated_at)
    )
    ORDER BY user_id, title_id
    ON CONFLICT (user_id, title_id) DO UPDATE SET
        rating = excluded.rating, hlc = excluded.hlc, device_id = excluded.device_id, rated_at = excluded.rated_at,
        revision = excluded.revision, written_at = excluded.written_at
    WHERE (excluded.hlc, excluded.device_id, excluded.rating, excluded.rated_at)
        > (t.hlc, t.device_id, t.rating, t.rated_at)
    RETURNING user_id, title_id, rating, hlc, device_id, rated_at, revision
)
SELECT user_id, title_id, rating, hlc, device_id, rated_at, revision FROM changed LIMIT %(most)s

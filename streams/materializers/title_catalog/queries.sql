-- name: stage_titles
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_titles (
    title_id text, version bigint, state text COLLATE "C", successor_id text, kind text, name text, name_key text,
    name_keys text[], year integer, popularity double precision, document text, created_at timestamptz,
    event_at timestamptz
) ON COMMIT DELETE ROWS

-- name: stage_external_ids
-- The ids of the staged titles.
CREATE TEMP TABLE IF NOT EXISTS incoming_external_ids (title_id text, source text, value text) ON COMMIT DELETE ROWS

-- name: copy_titles
-- Columns in the order of stage_titles.
COPY incoming_titles FROM STDIN (FORMAT BINARY)

-- name: copy_external_ids
-- Columns in the order of stage_external_ids.
COPY incoming_external_ids FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- A row goes in when it is newer, and takes its title's external ids with it; anything else changes nothing.
WITH newer AS (
    INSERT INTO title_catalog_v{v} AS t (
        title_id, version, state, successor_id, kind, name, name_key, name_keys, year, popularity, document,
        created_at, event_at, written_at
    )
    SELECT title_id, version, state, successor_id, kind, name, name_key, name_keys, year, popularity, document::json,
        created_at, event_at, now()
    FROM incoming_titles AS i ORDER BY title_id
    ON CONFLICT (title_id) DO UPDATE SET
        version = excluded.version, state = excluded.state, successor_id = excluded.successor_id,
        kind = excluded.kind, name = excluded.name, name_key = excluded.name_key, name_keys = excluded.name_keys,
        year = excluded.year, popularity = excluded.popularity, document = excluded.document,
        created_at = excluded.created_at, event_at = excluded.event_at, written_at = excluded.written_at
    WHERE (excluded.version, excluded.state) > (t.version, t.state)
    RETURNING title_id
), gone AS (
    DELETE FROM title_catalog_external_ids_v{v} AS e USING newer AS n
    WHERE e.title_id = n.title_id AND NOT EXISTS (
        SELECT FROM incoming_external_ids AS i
        WHERE i.title_id = e.title_id AND i.source = e.source AND i.value = e.value
    )
)
INSERT INTO title_catalog_external_ids_v{v} (source, value, title_id)
SELECT source, value, title_id FROM incoming_external_ids JOIN newer USING (title_id) ORDER BY title_id, source, value
ON CONFLICT DO NOTHING

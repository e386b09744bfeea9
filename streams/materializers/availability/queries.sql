-- name: stage_titles
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_sets (
    title_id text, version bigint, state text COLLATE "C", offers integer, event_at timestamptz
) ON COMMIT DELETE ROWS

-- name: stage_offers
-- The offers of the staged titles.
CREATE TEMP TABLE IF NOT EXISTS incoming_offers (
    title_id text, ordinal integer, region text, provider text, type text, quality text, price numeric, currency text,
    link text, starts_at timestamptz, ends_at timestamptz, version bigint
) ON COMMIT DELETE ROWS

-- name: copy_titles
-- Columns in the order of stage_titles.
COPY incoming_sets FROM STDIN (FORMAT BINARY)

-- name: copy_offers
-- Columns in the order of stage_offers.
COPY incoming_offers FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- A newer set replaces the whole set of its title: places beyond its end go, the others are written over. The two
-- touch different rows, as they must within one statement.
WITH newer AS (
    INSERT INTO availability_titles_v{v} AS t (title_id, version, state, offers, event_at, written_at)
    SELECT title_id, version, state, offers, event_at, now() FROM incoming_sets ORDER BY title_id
    ON CONFLICT (title_id) DO UPDATE SET
        version = excluded.version, state = excluded.state, offers = excluded.offers, event_at = excluded.event_at,
        written_at = excluded.written_at
    WHERE (excluded.version, excluded.state) > (t.version, t.state)
    RETURNING title_id, offers
), gone AS (
    DELETE FROM availability_v{v} AS a USING newer AS n WHERE a.title_id = n.title_id AND a.ordinal >= n.offers
)
INSERT INTO availability_v{v} (
    title_id, ordinal, region, provider, type, quality, price, currency, link, starts_at, ends_at, version
)
SELECT title_id, ordinal, region, provider, type, quality, price, currency, link, starts_at, ends_at, version
FROM incoming_offers JOIN newer USING (title_id) ORDER BY title_id, ordinal
ON CONFLICT (title_id, ordinal) DO UPDATE SET
    region = excluded.region, provider = excluded.provider, type = excluded.type, quality = excluded.quality,
    price = excluded.price, currency = excluded.currency, link = excluded.link, starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, version = excluded.version

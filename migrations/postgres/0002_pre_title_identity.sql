-- Title identity: which provider items are the same work. One of the two authorities that live in PostgreSQL;
-- written only by processor:entity_resolution, which publishes every decision to the topic `titles`.
--
-- No foreign keys: all rows of a decision are written by one owner in one transaction, and checking them would cost a
-- third of the throughput. Tables whose rows are updated keep room in their pages, so that an update that
-- touches no index stays in its page (HOT).

CREATE TABLE titles (
    title_id     uuid        PRIMARY KEY,
    kind         text        NOT NULL,
    status       text        NOT NULL CHECK (status IN ('active', 'retired', 'merged')),
    version      bigint      NOT NULL CHECK (version > 0),
    created_at   timestamptz NOT NULL
) WITH (fillfactor = 80);

-- The newest state of every item. A withdrawn item keeps its title, so that it comes back to it; an item that was
-- withdrawn before it was ever seen has neither title nor body.
CREATE TABLE provider_items (
    provider      text        NOT NULL,
    native_id     text        NOT NULL,
    title_id      uuid,
    active        boolean     NOT NULL,
    source_time   timestamptz NOT NULL,
    source_offset bigint      NOT NULL,
    score         double precision,
    reason        text        NOT NULL,
    founded       integer     NOT NULL DEFAULT 0,
    body          bytea,
    PRIMARY KEY (provider, native_id),
    CHECK ((title_id IS NULL) = (body IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX provider_items_by_title ON provider_items (title_id);
-- Bodies are compressed where they are long; LZ4 would be faster but not every build of PostgreSQL 15 has it.

-- An id belongs to one title of a kind: issuers such as TMDb number films and series independently.
CREATE TABLE title_external_ids (
    source   text NOT NULL,
    value    text NOT NULL,
    kind     text NOT NULL,
    title_id uuid NOT NULL,
    PRIMARY KEY (source, value, kind)
);

-- Blocking keys (64-bit hashes) of titles; `year` is 0 where it does not narrow the block.
CREATE TABLE title_blocks (
    block    bigint   NOT NULL,
    year     smallint NOT NULL,
    title_id uuid     NOT NULL,
    PRIMARY KEY (block, year, title_id)
);

-- Where titles went that turned out to be another one. Always to the final one: chains collapse when they arise.
CREATE TABLE title_redirects (
    title_id     uuid        PRIMARY KEY,
    successor_id uuid        NOT NULL CHECK (successor_id <> title_id),
    merged_at    timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX title_redirects_by_successor ON title_redirects (successor_id);

-- Who joined, left, merged or retired what, when and why; `evidence` explains the score per field.
CREATE TABLE resolution_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title_id    uuid        NOT NULL,
    provider    text        NOT NULL,
    native_id   text        NOT NULL,
    action      text        NOT NULL,
    reason      text        NOT NULL,
    score       double precision,
    evidence    jsonb,
    event_id    uuid        NOT NULL,
    occurred_at timestamptz NOT NULL
);
CREATE INDEX resolution_log_by_title ON resolution_log (title_id, id);

-- Pairs that a person should look at: scores between the thresholds, equally good candidates, conflicting ids.
CREATE TABLE resolution_reviews (
    provider     text        NOT NULL,
    native_id    text        NOT NULL,
    candidate_id uuid        NOT NULL,
    title_id     uuid        NOT NULL,
    reason       text        NOT NULL,
    score        double precision,
    evidence     jsonb,
    status       text        NOT NULL DEFAULT 'open',
    event_id     uuid        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (provider, native_id, candidate_id)
);
CREATE INDEX resolution_reviews_open ON resolution_reviews (occurred_at, provider, native_id, candidate_id) WHERE status = 'open';

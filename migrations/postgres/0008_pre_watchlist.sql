-- watchlist: one row a title ever listed; a title that was taken off stays, so that deltas can tell.
CREATE TABLE watchlist_v1 (
    user_id     text COLLATE "C" NOT NULL,
    title_id    text COLLATE "C" NOT NULL,
    document    bytea            NOT NULL,
    present     boolean          NOT NULL,
    rank        text COLLATE "C" NOT NULL,
    event_at    timestamptz      NOT NULL,
    revision    bigint           NOT NULL,
    written_at  timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX watchlist_v1_order ON watchlist_v1 (user_id, rank, title_id) WHERE present;
CREATE INDEX watchlist_v1_changes ON watchlist_v1 (user_id, revision);

CREATE VIEW watchlist AS SELECT * FROM watchlist_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('watchlist', 1);

-- Revisions of rows that live listeners and offline devices follow. One person's rows of one read model are written by one
-- owner at a time (their topics have the same key and as many partitions), so for that person revisions grow in commit order.
CREATE SEQUENCE change_revisions;

-- watch_state: where each person is in each title. The document holds what the laws need, the columns what it comes to.
CREATE TABLE watch_state_v1 (
    user_id         text COLLATE "C" NOT NULL,
    title_id        text COLLATE "C" NOT NULL,
    document        bytea            NOT NULL,
    position_ms     bigint,
    duration_ms     bigint,
    position_hlc    bigint,
    position_device text,
    watched         boolean          NOT NULL,
    watched_hlc     bigint,
    watched_device  text,
    finished        boolean          NOT NULL,
    event_at        timestamptz      NOT NULL,
    revision        bigint           NOT NULL,
    written_at      timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX watch_state_v1_continue ON watch_state_v1 (user_id, position_hlc DESC) WHERE NOT finished;
CREATE INDEX watch_state_v1_changes ON watch_state_v1 (user_id, revision);

CREATE VIEW watch_state AS SELECT * FROM watch_state_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('watch_state', 1);

-- playback_history: sessions by month of their start, which every event about a session repeats. The writer makes a month's
-- partition before it writes into it.
CREATE TABLE playback_history_v1 (
    user_id     text COLLATE "C" NOT NULL,
    session_id  text COLLATE "C" NOT NULL,
    title_id    text COLLATE "C" NOT NULL,
    device_id   text COLLATE "C" NOT NULL,
    region      text COLLATE "C" NOT NULL,
    started_at  timestamptz      NOT NULL,
    ended_at    timestamptz,
    reason      text COLLATE "C" CHECK (reason IN ('completed', 'stopped', 'timed_out')),
    position_ms bigint           NOT NULL,
    duration_ms bigint,
    watched_ms  bigint           NOT NULL,
    hlc         bigint           NOT NULL,
    revision    bigint           NOT NULL,
    written_at  timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, session_id, started_at)
) PARTITION BY RANGE (started_at);
CREATE INDEX playback_history_v1_newest ON playback_history_v1 (user_id, started_at DESC, session_id DESC);
CREATE INDEX playback_history_v1_changes ON playback_history_v1 (user_id, revision);

CREATE VIEW playback_history AS SELECT * FROM playback_history_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('playback_history', 1);

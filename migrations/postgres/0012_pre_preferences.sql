-- preferences: the newest value of each name for each person.
CREATE TABLE preferences_v1 (
    user_id    text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    value      text COLLATE "C",
    hlc        bigint           NOT NULL,
    device_id  text COLLATE "C" NOT NULL,
    event_at   timestamptz      NOT NULL,
    revision   bigint           NOT NULL,
    written_at timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, name)
);
CREATE INDEX preferences_v1_changes ON preferences_v1 (user_id, revision);

CREATE VIEW preferences AS SELECT * FROM preferences_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('preferences', 1);

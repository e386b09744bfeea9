-- ratings: the newest of each person for each title.
CREATE TABLE ratings_v1 (
    user_id    text COLLATE "C" NOT NULL,
    title_id   text COLLATE "C" NOT NULL,
    rating     double precision NOT NULL CHECK (rating BETWEEN 0.5 AND 5),
    hlc        bigint           NOT NULL,
    device_id  text COLLATE "C" NOT NULL,
    rated_at   timestamptz      NOT NULL,
    revision   bigint           NOT NULL,
    written_at timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX ratings_v1_changes ON ratings_v1 (user_id, revision);

CREATE VIEW ratings AS SELECT * FROM ratings_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('ratings', 1);

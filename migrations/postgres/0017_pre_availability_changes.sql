-- availability_changes: events about offers at their places in the log, which are what cursors of clients name.
-- A processor that died may have written an event twice: it is told once.
CREATE TABLE availability_changes_v1 (
    partition  integer          NOT NULL,
    log_offset bigint           NOT NULL,
    event_id   text COLLATE "C" NOT NULL UNIQUE,
    title_id   text             NOT NULL,
    provider   text             NOT NULL,
    region     text             NOT NULL,
    change     text COLLATE "C" NOT NULL
        CHECK (change IN ('started', 'ended', 'price_changed', 'terms_changed', 'expiring')),
    document   text             NOT NULL,
    written_at timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, log_offset)
);

CREATE VIEW availability_changes AS SELECT * FROM availability_changes_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('availability_changes', 1);

-- availability: a title's offers, replaced as a set. availability_titles guards the version of the set, which an empty
-- set could not carry itself.
CREATE TABLE availability_titles_v1 (
    title_id   text             NOT NULL PRIMARY KEY,
    version    bigint           NOT NULL,
    state      text COLLATE "C" NOT NULL CHECK (state IN ('live', 'merged', 'retired')),
    offers     integer          NOT NULL CHECK (offers >= 0),
    event_at   timestamptz      NOT NULL,
    written_at timestamptz      NOT NULL DEFAULT now()
);

CREATE TABLE availability_v1 (
    title_id  text        NOT NULL,
    ordinal   integer     NOT NULL,
    region    text        NOT NULL,
    provider  text        NOT NULL,
    type      text        NOT NULL,
    quality   text        NOT NULL,
    price     numeric,
    currency  text,
    link      text,
    starts_at timestamptz,
    ends_at   timestamptz,
    version   bigint      NOT NULL,
    PRIMARY KEY (title_id, ordinal)
);

CREATE VIEW availability_titles AS SELECT * FROM availability_titles_v1;
CREATE VIEW availability AS SELECT * FROM availability_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('availability', 1);

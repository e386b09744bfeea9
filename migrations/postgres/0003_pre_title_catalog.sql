-- title_catalog: one row a title for the APIs. Readers use the views, writers the versioned tables.
CREATE TABLE title_catalog_v1 (
    title_id     text             NOT NULL PRIMARY KEY,
    version      bigint           NOT NULL,
    state        text COLLATE "C" NOT NULL CHECK (state IN ('live', 'merged', 'retired')),
    successor_id text             CHECK ((state = 'merged') = (successor_id IS NOT NULL)),
    kind         text,
    name         text,
    name_key     text,
    name_keys    text[]           NOT NULL DEFAULT '{}',
    year         integer,
    popularity   double precision NOT NULL DEFAULT 0,
    document     json             CHECK ((state = 'live') = (document IS NOT NULL)),
    created_at   timestamptz,
    event_at     timestamptz      NOT NULL,
    written_at   timestamptz      NOT NULL DEFAULT now()
);
-- Exact and prefix matches of the main name, whatever the database's collation.
CREATE INDEX title_catalog_v1_name_key ON title_catalog_v1 (name_key text_pattern_ops);
CREATE INDEX title_catalog_v1_name_keys ON title_catalog_v1 USING gin (name_keys);
-- Browsing: most popular first, ties by id so that pages are stable.
CREATE INDEX title_catalog_v1_popularity ON title_catalog_v1 (popularity DESC, title_id) WHERE state = 'live';

CREATE TABLE title_catalog_external_ids_v1 (
    source   text NOT NULL,
    value    text NOT NULL,
    title_id text NOT NULL,
    PRIMARY KEY (source, value, title_id)
);
CREATE INDEX title_catalog_external_ids_v1_title ON title_catalog_external_ids_v1 (title_id);

CREATE VIEW title_catalog AS SELECT * FROM title_catalog_v1;
CREATE VIEW title_catalog_external_ids AS SELECT * FROM title_catalog_external_ids_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('title_catalog', 1);

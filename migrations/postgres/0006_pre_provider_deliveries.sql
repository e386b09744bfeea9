-- provider_deliveries: what became of what a provider sent. One row an item, no counters: counters double on a replay.
CREATE TABLE provider_deliveries_v1 (
    provider    text COLLATE "C" NOT NULL,
    delivery_id text COLLATE "C" NOT NULL,
    accepted_at timestamptz      NOT NULL,
    PRIMARY KEY (provider, delivery_id)
);
-- Newest first, ties by id so that pages are stable.
CREATE INDEX provider_deliveries_v1_newest ON provider_deliveries_v1 (provider, accepted_at DESC, delivery_id DESC);

-- Facts about one item come from three kinds of topics in any order, so each has its own columns.
CREATE TABLE provider_delivery_items_v1 (
    provider         text COLLATE "C" NOT NULL,
    delivery_id      text COLLATE "C" NOT NULL,
    native_id        text COLLATE "C" NOT NULL,
    ordinal          integer,
    normalized_as    text CHECK (normalized_as IN ('normalized', 'withdrawn')),
    refused_by       text,
    refused_stage    smallint         NOT NULL DEFAULT 0,
    refused_offset   bigint           NOT NULL DEFAULT -1,
    reason           text,
    detail           text,
    -- A processor behind normalization has the last word; normalization's own refusal is over once a retry went through.
    outcome          text             NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN refused_stage > 1 THEN 'dead_lettered'
            WHEN normalized_as IS NOT NULL THEN normalized_as
            WHEN refused_stage = 1 THEN 'dead_lettered'
            ELSE 'accepted'
        END
    ) STORED,
    PRIMARY KEY (provider, delivery_id, native_id)
);

CREATE VIEW provider_deliveries AS SELECT * FROM provider_deliveries_v1;
CREATE VIEW provider_delivery_items AS SELECT * FROM provider_delivery_items_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('provider_deliveries', 1);

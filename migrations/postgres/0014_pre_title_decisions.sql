-- What operators decided about titles and items. Written by processor:entity_resolution only, as all of identity.

-- Every decision ever read, also those that were refused. What it did is kept, so that it can be undone.
CREATE TABLE resolution_decisions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_id  text        NOT NULL UNIQUE,
    kind         text        NOT NULL CHECK (kind IN ('confirm', 'reject', 'merge', 'split', 'undo')),
    operator     text        NOT NULL,
    reason       text        NOT NULL,
    title_id     text        NOT NULL,
    request      jsonb       NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('applied', 'refused')),
    detail       text        NOT NULL,
    effects      jsonb       NOT NULL,
    undone_by    text,
    event_id     uuid        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    log_position text        NOT NULL
);
CREATE INDEX resolution_decisions_by_event ON resolution_decisions (event_id);

-- Pairs of items that are one work, or two, because an operator says so; both directions of a pair are rows. A pair has
-- a row for each decision that says it, so that undoing one leaves the other. The items need not be known yet.
CREATE TABLE resolution_constraints (
    provider        text NOT NULL,
    native_id       text NOT NULL,
    other_provider  text NOT NULL,
    other_native_id text NOT NULL,
    relation        text NOT NULL CHECK (relation IN ('same', 'different')),
    decision_id     text NOT NULL
);
-- No primary key: two long ids of items and one of a decision do not fit into one entry of an index.
CREATE INDEX resolution_constraints_by_item ON resolution_constraints (provider, native_id);
CREATE INDEX resolution_constraints_by_decision ON resolution_constraints (decision_id);

-- The decision that closed a review; undoing it opens the review again.
ALTER TABLE resolution_reviews ADD COLUMN decision_id text;
CREATE INDEX resolution_reviews_by_decision ON resolution_reviews (decision_id) WHERE decision_id IS NOT NULL;

-- How far each consumer has come, kept in the database it writes to, so that rows and position commit together;
-- and which physical version of each read model is the serving one.
CREATE TABLE consumer_positions (
    consumer   text        NOT NULL,
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    next       bigint      NOT NULL CHECK (next >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition)
);

CREATE TABLE read_model_versions (
    read_model  text        PRIMARY KEY,
    version     integer     NOT NULL CHECK (version > 0),
    switched_at timestamptz NOT NULL DEFAULT now()
);

-- Outgoing events of processors that decide in this database: written with the decision, deleted once Kafka has them.
-- Ids grow in commit order for one title, because the title's row is locked before its events are written.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    processor  text        NOT NULL,
    topic      text        NOT NULL,
    key        bytea       NOT NULL,
    value      bytea       NOT NULL,
    headers    jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_by_processor ON outbox (processor, id);

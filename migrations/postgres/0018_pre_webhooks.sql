-- What subscribers are told, delivery by delivery. No read model: it cannot be built anew, because it says what was sent.
-- Addresses and secrets are not here but in the subscribers' file.
CREATE TABLE webhook_subscribers (
    name         text COLLATE "C" NOT NULL PRIMARY KEY,
    offsets      jsonb            NOT NULL,
    disabled_at  timestamptz,
    disabled_why text,
    created_at   timestamptz      NOT NULL DEFAULT now()
);

CREATE TABLE webhook_deliveries (
    subscriber  text COLLATE "C" NOT NULL REFERENCES webhook_subscribers (name) ON DELETE CASCADE,
    event_id    text COLLATE "C" NOT NULL,
    change      text COLLATE "C" NOT NULL,
    document    text             NOT NULL,
    state       text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    integer          NOT NULL DEFAULT 0,
    next_at     timestamptz      NOT NULL DEFAULT now(),
    created_at  timestamptz      NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (subscriber, event_id)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (subscriber, next_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE state <> 'waiting';

CREATE TABLE webhook_attempts (
    id           bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber   text COLLATE "C" NOT NULL,
    event_id     text COLLATE "C" NOT NULL,
    attempt      integer          NOT NULL,
    at           timestamptz      NOT NULL,
    status       integer,
    trouble      text             NOT NULL,
    milliseconds integer          NOT NULL,
    FOREIGN KEY (subscriber, event_id) REFERENCES webhook_deliveries ON DELETE CASCADE
);
CREATE INDEX webhook_attempts_of_delivery ON webhook_attempts (subscriber, event_id, id);

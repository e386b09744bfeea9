-- devices: what each person watches on, and what one device asked of another.
CREATE TABLE devices_v1 (
    user_id      text COLLATE "C" NOT NULL,
    device_id    text COLLATE "C" NOT NULL,
    name         text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    capabilities text[] COLLATE "C" NOT NULL,
    removed      boolean          NOT NULL,
    hlc          bigint           NOT NULL,
    event_at     timestamptz      NOT NULL,
    revision     bigint           NOT NULL,
    written_at   timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, device_id)
);
CREATE INDEX devices_v1_changes ON devices_v1 (user_id, revision);

CREATE TABLE device_commands_v1 (
    user_id          text COLLATE "C" NOT NULL,
    command_id       text COLLATE "C" NOT NULL,
    device_id        text COLLATE "C" NOT NULL,
    target_device_id text COLLATE "C" NOT NULL,
    command          text             NOT NULL,
    title_id         text,
    position_ms      bigint,
    issued_at        timestamptz      NOT NULL,
    expires_at       timestamptz      NOT NULL,
    revision         bigint           NOT NULL,
    written_at       timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, command_id)
);
CREATE INDEX device_commands_v1_changes ON device_commands_v1 (user_id, revision);

CREATE VIEW devices AS SELECT * FROM devices_v1;
CREATE VIEW device_commands AS SELECT * FROM device_commands_v1;

-- Present from the start: writers share-lock this row, and a row that does not exist cannot be locked.
INSERT INTO read_model_versions (read_model, version) VALUES ('devices', 1);

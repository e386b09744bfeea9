-- name: stage_devices
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_devices (
    user_id text COLLATE "C", device_id text COLLATE "C", name text COLLATE "C", kind text COLLATE "C",
    capabilities text[] COLLATE "C", removed boolean, hlc bigint, event_at timestamptz
) ON COMMIT DELETE ROWS

-- name: stage_commands
-- The commands of the batch.
CREATE TEMP TABLE IF NOT EXISTS incoming_commands (
    user_id text COLLATE "C", command_id text COLLATE "C", device_id text, target_device_id text, command text,
    title_id text, position_ms bigint, issued_at timestamptz, expires_at timestamptz
) ON COMMIT DELETE ROWS

-- name: copy_devices
-- Columns in the order of stage_devices.
COPY incoming_devices FROM STDIN (FORMAT BINARY)

-- name: copy_commands
-- Columns in the order of stage_commands.
COPY incoming_commands FROM STDIN (FORMAT BINARY)

-- name: merge_devices
-- Revisions are drawn for winners only, in the order of the rows; the guard on conflict is for a second owner.
WITH changed AS (
    INSERT INTO devices_v{v} AS t (
        user_id, device_id, name, kind, capabilities, removed, hlc, event_at, revision, written_at
    )
    SELECT user_id, device_id, name, kind, capabilities, removed, hlc, event_at, nextval('change_revisions'), now()
    FROM incoming_devices AS i
    WHERE NOT EXISTS (
        SELECT FROM devices_v{v} AS k WHERE k.user_id = i.user_id AND k.device_id = i.device_id
            AND (k.hlc, k.removed, k.name, k.kind, k.capabilities, k.event_at)
            >= (i.hlc, i.removed, i.name, i.kind, i.capabilities, i.event_at)
    )
    ORDER BY user_id, device_id
    ON CONFLICT (user_id, device_id) DO UPDATE SET
        name = excluded.name, kind = excluded.kind, capabilities = excluded.capabilities, removed = excluded.removed,
        hlc = excluded.hlc, event_at = excluded.event_at, revision = excluded.revision,
        written_at = excluded.written_at
    WHERE (excluded.hlc, excluded.removed, excluded.name, excluded.kind, excluded.capabilities, excluded.event_at)
        > (t.hlc, t.removed, t.name, t.kind, t.capabilities, t.event_at)
    RETURNING user_id, device_id, name, kind, capabilities, removed, hlc, event_at, revision
)
SELECT user_id, device_id, name, kind, capabilities, removed, hlc, event_at, revision FROM changed LIMIT %(most)s

-- name: merge_commands
-- A command is a fact: written once.
WITH changed AS (
    INSERT INTO device_commands_v{v} (
        user_id, command_id, device_id, target_device_id, command, title_id, position_ms, issued_at, expires_at,
        revision, written_at
    )
    SELECT user_id, command_id, device_id, target_device_id, command, title_id, position_ms, issued_at, expires_at,
        nextval('change_revisions'), now()
    FROM incoming_commands AS i
    WHERE NOT EXISTS (
        SELECT FROM device_commands_v{v} AS k WHERE k.user_id = i.user_id AND k.command_id = i.command_id
    )
    ORDER BY user_id, issued_at, command_id
    ON CONFLICT (user_id, command_id) DO NOTHING
    RETURNING user_id, command_id, device_id, target_device_id, command, title_id, position_ms, issued_at, expires_at,
        revision
)
SELECT user_id, command_id, device_id, target_device_id, command, title_id, position_ms, issued_at, expires_at, revision
FROM changed LIMIT %(most)s

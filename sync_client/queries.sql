-- What the store asks of SQLite.

-- name: meta
SELECT name, value FROM meta

-- name: set_meta
INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: operations
SELECT seq, operation_id, body, hlc, occurred_ms, state, reason FROM operations ORDER BY seq

-- name: append
INSERT INTO operations (operation_id, body, hlc, occurred_ms, state, reason)
VALUES (:operation_id, :body, :hlc, :occurred_ms, 'pending', '')

-- name: set_state
UPDATE operations SET state = :state, reason = :reason WHERE seq = :seq

-- name: stamp
UPDATE operations SET hlc = :hlc, occurred_ms = :occurred_ms WHERE seq = :seq

-- name: delete
DELETE FROM operations WHERE seq = :seq

-- name: rows
SELECT kind, id, revision, body FROM replica

-- name: put_row
-- A row that is older than the one known changes nothing.
INSERT INTO replica (kind, id, revision, body) VALUES (:kind, :id, :revision, :body)
ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, body = excluded.body
WHERE excluded.revision > replica.revision

-- name: delete_rows
DELETE FROM replica

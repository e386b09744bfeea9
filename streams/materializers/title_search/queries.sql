-- name: still_here
-- Keeps the transaction from counting as idle between two writes to Qdrant, and notices when it is over.
SELECT 1

-- name: serving_version_for_update
-- Waits for the transactions that still write the serving version (they hold the row FOR SHARE).
SELECT version FROM read_model_versions WHERE read_model = %(read_model)s FOR UPDATE

-- name: switch_version
UPDATE read_model_versions SET version = %(version)s, switched_at = now() WHERE read_model = %(read_model)s

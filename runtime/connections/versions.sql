-- name: serving_version
-- What readers see. No lock: whoever decides by it calls lock_versions first.
SELECT version FROM read_model_versions WHERE read_model = %(read_model)s

-- name: lock_versions
-- One maker, switcher or dropper of a read model's versions at a time; ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('mg-versions'), hashtext(%(read_model)s))

-- name: switch_version
-- Waits for the transactions that share-locked the row to write the old version; later ones wait for this one.
INSERT INTO read_model_versions (read_model, version) VALUES (%(read_model)s, %(version)s)
ON CONFLICT (read_model) DO UPDATE SET version = excluded.version, switched_at = now()

-- name: limit_lock_wait
-- Until the end of the transaction.
SELECT set_config('lock_timeout', %(milliseconds)s, true)

-- name: table_exists
-- A table by its plain name, in the schema where unqualified names lead.
SELECT to_regclass(%(name)s) IS NOT NULL

-- name: view_definition
-- The SELECT behind a view, and nothing when there is no such view.
SELECT pg_get_viewdef(oid) FROM pg_class WHERE oid = to_regclass(%(name)s) AND relkind = 'v'

-- name: partition_key
-- What follows PARTITION BY, and nothing for a table that is not partitioned.
SELECT pg_get_partkeydef(partrelid) FROM pg_partitioned_table WHERE partrelid = to_regclass(%(name)s)

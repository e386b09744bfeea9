-- name: migrations_exist
-- False on a database that was never migrated.
SELECT to_regclass('schema_migrations') IS NOT NULL

-- name: create_schema_migrations
-- What was applied, and the SHA-256 of the file as it was then.
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: applied_migrations
-- In the order of their numbers.
SELECT name, checksum FROM schema_migrations ORDER BY name

-- name: record_migration
-- In the migration's own transaction.
INSERT INTO schema_migrations (name, checksum) VALUES (%(name)s, %(checksum)s)

-- name: lock_runner
-- Until the connection ends.
SELECT pg_advisory_lock(hashtext('mg-migrate'))

-- name: limit
-- A setting until the end of the transaction.
SELECT set_config(%(name)s, %(value)s, true)

-- name: unreadable
-- Tables, views and sequences that the role, if there is one, has not been given yet. Partitions are read through their
-- table, whose privileges count; writers make new ones at any time.
SELECT c.relname
FROM pg_class AS c, pg_roles AS r
WHERE r.rolname = %(role)s AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
    AND NOT c.relispartition
    AND NOT EXISTS (
        SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = r.oid AND a.privilege_type = 'SELECT'
    )
ORDER BY c.relname

-- name: current_schema
-- Where unqualified names lead.
SELECT current_schema()

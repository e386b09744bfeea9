-- name: present_partitions
-- Those of the names that are partitions of the table by now.
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass(%(table)s) AND c.relname = ANY (%(names)s::text[])

-- name: lock_partitions
-- One maker of a table's partitions at a time; ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('mg-partitions'), hashtext(%(table)s))

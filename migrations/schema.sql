-- name: relations
-- Tables (r, partitioned p) and views (v) of the current schema, and anything else that the dump would have to know (its
-- kind). A partition comes with the table it belongs to and its bounds.
SELECT c.oid::bigint, c.relname, c.relkind::text, array_to_string(c.reloptions, ', '), pg_get_partkeydef(c.oid),
    p.relname, pg_get_expr(c.relpartbound, c.oid)
FROM pg_class AS c
LEFT JOIN pg_inherits AS h ON h.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class AS p ON p.oid = h.inhparent
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname COLLATE "C"

-- name: columns
-- In their order; a collation only where it is not the type's own.
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, a.attgenerated::text,
    pg_get_expr(d.adbin, d.adrelid), CASE WHEN a.attcollation <> t.typcollation THEN l.collname END
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: constraints
-- NOT NULL (n, a constraint since PostgreSQL 18) is told with the columns, references (f) after all tables.
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %(oid)s AND contype NOT IN ('n', 'f')
ORDER BY contype = 'p' DESC, conname COLLATE "C"

-- name: references
-- After all tables, because they may point at later ones.
SELECT t.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k JOIN pg_class AS t ON t.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relnamespace = current_schema()::regnamespace
ORDER BY t.relname COLLATE "C", k.conname COLLATE "C"

-- name: indexes
-- Those that no constraint made and that are no partition's share of its table's.
SELECT pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = %(oid)s AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
ORDER BY c.relname COLLATE "C"

-- name: sequences
-- Those that belong to no column. Numbers as the server knows them, also where nobody said so.
SELECT c.relname, format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, s.seqcycle
FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
WHERE c.relnamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i', 'e'))
ORDER BY c.relname COLLATE "C"

-- name: view_text
-- As the server understood it.
SELECT pg_get_viewdef(%(oid)s::oid)

-- name: unsupported
-- What a migration might make and the dump does not know: better to say so than to leave it out.
SELECT 'function ' || p.proname FROM pg_proc AS p WHERE p.pronamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'trigger ' || t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 'type ' || t.typname FROM pg_type AS t WHERE t.typnamespace = current_schema()::regnamespace
    AND t.typtype IN ('e', 'd', 'r')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = t.oid AND d.deptype = 'e')
UNION ALL
SELECT 'sequence of a column ' || c.relname FROM pg_class AS c
WHERE c.relkind = 'S' AND c.relnamespace = current_schema()::regnamespace
    AND EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'a')
UNION ALL
SELECT 'partitioned partition ' || c.relname FROM pg_class AS c
WHERE c.relkind = 'p' AND c.relispartition AND c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 'row security of ' || c.relname FROM pg_class AS c
WHERE c.relrowsecurity AND c.relnamespace = current_schema()::regnamespace
ORDER BY 1

-- name: stage_changes
-- Where a batch waits for its merge: private to the connection, not logged, empty again after every commit.
CREATE TEMP TABLE IF NOT EXISTS incoming_changes (
    partition integer, log_offset bigint, event_id text, title_id text, provider text, region text, change text, document text
) ON COMMIT DELETE ROWS

-- name: copy_changes
-- Columns in the order of stage_changes.
COPY incoming_changes FROM STDIN (FORMAT BINARY)

-- name: merge_staged
-- A row is an event of the log and never changes. The same event at a later place was written again by a processor
-- that died, or is read again.
INSERT INTO availability_changes_v{v} (
    partition, log_offset, event_id, title_id, provider, region, change, document, written_at
)
SELECT partition, log_offset, event_id, title_id, provider, region, change, document, now()
FROM incoming_changes ORDER BY partition, log_offset
ON CONFLICT DO NOTHING

-- name: forget
-- Rows are written in the order of the log, so the first of each partition are the oldest. Twice as many may go as come.
DELETE FROM availability_changes_v{v} AS c USING (
    SELECT o.partition, o.log_offset
    FROM (SELECT DISTINCT partition FROM incoming_changes) AS p
    CROSS JOIN LATERAL (
        SELECT partition, log_offset, written_at FROM availability_changes_v{v}
        WHERE partition = p.partition ORDER BY log_offset LIMIT %(most)s
    ) AS o
    WHERE o.written_at < now() - make_interval(days => %(days)s)
) AS old
WHERE c.partition = old.partition AND c.log_offset = old.log_offset

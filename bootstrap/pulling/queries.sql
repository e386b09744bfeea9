-- name: become_leader
-- Whether this session now is the one that pulls for the provider; it stays so until it ends.
SELECT pg_try_advisory_lock(hashtextextended('pull:' || %(provider)s::text, 0))

-- name: pull_bookmarks
-- How far each stream of a provider was read.
SELECT stream, bookmark FROM pull_bookmarks WHERE provider = %(provider)s

-- name: first_pull_bookmark
-- A stream that was never read; nothing when somebody was faster.
INSERT INTO pull_bookmarks (provider, stream, bookmark, moved_at)
VALUES (%(provider)s, %(stream)s, %(bookmark)s, now())
ON CONFLICT DO NOTHING

-- name: move_pull_bookmark
-- Only from where this puller read: one that lost its lock while it was frozen moves nothing.
UPDATE pull_bookmarks
SET bookmark = %(bookmark)s, moved_at = now()
WHERE provider = %(provider)s AND stream = %(stream)s AND bookmark = %(expected)s

-- name: items_of_titles
-- The items of titles, or of those they were merged into; listed ones first: the first stands for the title.
SELECT t.title_id::text AS asked, i.title_id::text AS title_id, i.provider, i.native_id
FROM titles AS t
LEFT JOIN title_redirects AS r USING (title_id)
JOIN LATERAL (
    SELECT title_id, provider, native_id, active FROM provider_items
    WHERE provider_items.title_id = coalesce(r.successor_id, t.title_id)
    ORDER BY active DESC, provider, native_id LIMIT %(most)s::integer
) AS i ON true
WHERE t.title_id = ANY (%(title_ids)s::text[]::uuid[])
ORDER BY t.title_id, i.active DESC, i.provider, i.native_id

-- name: item_has_title
SELECT title_id::text AS title_id FROM provider_items
WHERE provider = %(provider)s AND native_id = %(native_id)s AND title_id IS NOT NULL

-- name: decision
SELECT kind, title_id, request::text AS request, log_position FROM resolution_decisions
WHERE decision_id = %(decision_id)s

-- title_catalog: the episodes of a series in their order, for "continue watching". The catalog links episodes to their
-- series by name only.
CREATE INDEX title_catalog_v1_episodes ON title_catalog_v1 (
    (document ->> 'series_name'),
    ((document ->> 'season_number')::integer),
    ((document ->> 'episode_number')::integer)
) WHERE kind = 'episode';

-- title_catalog: which titles were merged into one, for positions and marks that were made for those.
CREATE INDEX title_catalog_v1_successors ON title_catalog_v1 (successor_id) WHERE successor_id IS NOT NULL;

-- availability: what ends soon, soonest first.
CREATE INDEX availability_v1_ends ON availability_v1 (ends_at, title_id, ordinal) WHERE ends_at IS NOT NULL;

-- name: positions_of_read_models
-- How far each read model is, in the version that serves, and when it last moved.
SELECT v.read_model, p.topic, p.partition, p.next, p.updated_at
FROM read_model_versions AS v JOIN consumer_positions AS p ON p.consumer = v.read_model || '_v' || v.version
WHERE v.read_model = ANY(%(read_models)s::text[]);

-- What the embedding processor last embedded of each title, so that a change that leaves the text alone costs nothing.
CREATE TABLE title_text_hashes (
    title_id  text   PRIMARY KEY,
    version   bigint NOT NULL,
    text_hash text   NOT NULL
);

-- Present from the start: writers share-lock this row. The read model itself is a Qdrant collection (migrations/qdrant).
INSERT INTO read_model_versions (read_model, version) VALUES ('title_search', 1);

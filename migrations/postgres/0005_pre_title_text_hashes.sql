-- What the embedding processor last embedded of each title, so that a change that leaves the text alone costs nothing.
CREATE TABLE title_text_hashes (
    title_id  text   PRIMARY KEY,
    version   bigint NOT NULL,
    text_hash text   NOT NULL
);

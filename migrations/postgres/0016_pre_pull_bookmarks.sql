-- pull_bookmarks: how far each stream of a provider that is asked was read. No read model: losing it means asking for the
-- last month again, which changes nothing.
CREATE TABLE pull_bookmarks (
    provider text COLLATE "C" NOT NULL,
    stream   text COLLATE "C" NOT NULL,
    bookmark text             NOT NULL,
    moved_at timestamptz      NOT NULL,
    PRIMARY KEY (provider, stream)
);

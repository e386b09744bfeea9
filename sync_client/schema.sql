-- The file of one device of one user. `application_id` and `user_version` say so.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The queue, in the order of its operations. `body` is the operation as JSON without its clock. Without further indexes:
-- what an operation costs is the pages that a commit writes.
CREATE TABLE operations (
    seq INTEGER PRIMARY KEY,
    operation_id TEXT NOT NULL,
    body TEXT NOT NULL,
    hlc INTEGER NOT NULL,
    occurred_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'accepted', 'rejected')),
    reason TEXT NOT NULL
);

-- The service's rows as last pulled, `body` as JSON.
CREATE TABLE replica (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

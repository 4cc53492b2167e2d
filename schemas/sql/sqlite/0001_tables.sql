-- The first schema: leases, journal, snapshots, item history, stream history.
-- Times are milliseconds since 1970-01-01 UTC. Migrations are only ever added, never changed.

CREATE TABLE IF NOT EXISTS schema_version (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

-- Who may write. The epoch only ever increases; an empty owner means that nobody holds the lease.
CREATE TABLE IF NOT EXISTS lease (
    name        TEXT    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL DEFAULT '',
    epoch       INTEGER NOT NULL DEFAULT 0,
    acquired_at INTEGER NOT NULL DEFAULT 0,
    expires_at  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- How far each journal goes. `highest` also counts events that were deleted since.
CREATE TABLE IF NOT EXISTS event_head (
    persistence_id TEXT    NOT NULL PRIMARY KEY,
    highest        INTEGER NOT NULL,
    deleted_to     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: an ordering is not used again, even when the newest rows are deleted.
CREATE TABLE IF NOT EXISTS event_journal (
    ordering           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    persistence_id     TEXT    NOT NULL,
    sequence_number    INTEGER NOT NULL,
    writer             TEXT    NOT NULL,
    writer_epoch       INTEGER NOT NULL,
    write_timestamp    INTEGER NOT NULL,
    event_ser_manifest TEXT    NOT NULL,
    event_ser_version  INTEGER NOT NULL,
    event_payload      BLOB    NOT NULL,
    checksum           INTEGER NOT NULL,
    UNIQUE (persistence_id, sequence_number)
) STRICT;

CREATE TABLE IF NOT EXISTS event_tag (
    tag      TEXT    NOT NULL,
    ordering INTEGER NOT NULL REFERENCES event_journal (ordering) ON DELETE CASCADE,
    PRIMARY KEY (tag, ordering)
) STRICT, WITHOUT ROWID;

-- Without it every deletion of an event would read all tags.
CREATE INDEX IF NOT EXISTS event_tag_ordering ON event_tag (ordering);

CREATE TABLE IF NOT EXISTS snapshot (
    persistence_id        TEXT    NOT NULL,
    sequence_number       INTEGER NOT NULL,
    created               INTEGER NOT NULL,
    snapshot_ser_manifest TEXT    NOT NULL,
    snapshot_ser_version  INTEGER NOT NULL,
    snapshot_payload      BLOB    NOT NULL,
    checksum              INTEGER NOT NULL,
    PRIMARY KEY (persistence_id, sequence_number)
) STRICT;

-- One row per source item: its last claim. `settled_at` is null while the claim owes something.
-- `size`, `device` and `inode` hold unsigned numbers bit by bit.
CREATE TABLE IF NOT EXISTS item (
    source      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    claim       TEXT    NOT NULL,
    stream      TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    claimed_at  INTEGER NOT NULL,
    settled_at  INTEGER,
    settlement  BLOB    NOT NULL,
    PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS item_claim ON item (claim);
CREATE INDEX IF NOT EXISTS item_unfinished ON item (claimed_at, claim) WHERE settled_at IS NULL;

-- One row per stream; `body` is the stream as JSON, the other columns are what it is found by.
CREATE TABLE IF NOT EXISTS stream (
    id        TEXT    NOT NULL PRIMARY KEY,
    workflow  TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    is_closed INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS stream_workflow ON stream (workflow, is_closed, id);

CREATE TABLE IF NOT EXISTS stream_log (
    ordering  INTEGER NOT NULL PRIMARY KEY,
    stream    TEXT    NOT NULL REFERENCES stream (id) ON DELETE CASCADE,
    logged_at INTEGER NOT NULL,
    severity  TEXT,
    code      INTEGER NOT NULL,
    line      TEXT    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS stream_log_stream ON stream_log (stream, ordering);

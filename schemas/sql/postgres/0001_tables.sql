-- The schema: leases, cluster, journal, snapshots, item history, stream history.
-- Times are milliseconds since 1970-01-01 UTC. Migrations are only ever added, never changed.
-- Text is compared byte by byte: names differ by case and accent, and sort alike everywhere.

CREATE TABLE IF NOT EXISTS schema_version (
    version    BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    applied_at BIGINT NOT NULL
);

-- Who may write. The epoch only ever increases; an empty owner means that nobody holds the lease.
CREATE TABLE IF NOT EXISTS lease (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner       TEXT COLLATE "C" NOT NULL DEFAULT '',
    epoch       BIGINT NOT NULL DEFAULT 0,
    acquired_at BIGINT NOT NULL DEFAULT 0,
    expires_at  BIGINT NOT NULL DEFAULT 0,
    pinned      TEXT
);

-- One row, made here. An empty id means that the store is nobody's; `version` is of the list of
-- members.
CREATE TABLE IF NOT EXISTS cluster (
    one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id      TEXT   NOT NULL DEFAULT '',
    name    TEXT   NOT NULL DEFAULT '',
    version BIGINT NOT NULL DEFAULT 0
);

INSERT INTO cluster (one) VALUES (1) ON CONFLICT DO NOTHING;

-- `body` is the member as JSON, the other columns are for people.
CREATE TABLE IF NOT EXISTS cluster_member (
    uid    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name   TEXT NOT NULL,
    status TEXT NOT NULL,
    body   TEXT NOT NULL
);

-- An epoch of null is refused: that is how a deposed writer is.
CREATE TABLE IF NOT EXISTS event_journal (
    persistence_id     TEXT COLLATE "C" NOT NULL,
    sequence_number    BIGINT NOT NULL,
    writer             TEXT   NOT NULL,
    writer_epoch       BIGINT NOT NULL CHECK (writer_epoch > 0),
    write_timestamp    BIGINT NOT NULL,
    event_ser_manifest TEXT   NOT NULL,
    event_ser_version  BIGINT NOT NULL,
    event_payload      BYTEA  NOT NULL,
    checksum           BIGINT NOT NULL,
    command            TEXT,
    PRIMARY KEY (persistence_id, sequence_number)
);

-- How far each journal was deleted. Those numbers are never used again.
CREATE TABLE IF NOT EXISTS event_deleted (
    persistence_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    deleted_to     BIGINT NOT NULL
);

-- The last place that was given for a tag. Its row is locked until the commit, so that places are
-- committed in their order and a reader skips nothing.
CREATE TABLE IF NOT EXISTS event_tag_head (
    tag     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    highest BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS event_tag (
    tag             TEXT COLLATE "C" NOT NULL,
    place           BIGINT NOT NULL,
    persistence_id  TEXT COLLATE "C" NOT NULL,
    sequence_number BIGINT NOT NULL,
    PRIMARY KEY (tag, place)
);

CREATE INDEX IF NOT EXISTS event_tag_event ON event_tag (persistence_id, sequence_number);

CREATE TABLE IF NOT EXISTS snapshot (
    persistence_id        TEXT COLLATE "C" NOT NULL,
    sequence_number       BIGINT NOT NULL,
    created               BIGINT NOT NULL,
    snapshot_ser_manifest TEXT   NOT NULL,
    snapshot_ser_version  BIGINT NOT NULL,
    snapshot_payload      BYTEA  NOT NULL,
    checksum              BIGINT NOT NULL,
    PRIMARY KEY (persistence_id, sequence_number)
);

-- One row per source item: its last claim. `settled_at` is null while the claim owes something.
-- `name` is bytes, since text can't hold every name; `size`, `device` and `inode` hold unsigned
-- numbers bit by bit.
CREATE TABLE IF NOT EXISTS item (
    source      TEXT COLLATE "C" NOT NULL,
    name        BYTEA  NOT NULL,
    claim       TEXT COLLATE "C" NOT NULL UNIQUE,
    stream      TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    device      BIGINT NOT NULL,
    inode       BIGINT NOT NULL,
    claimed_at  BIGINT NOT NULL,
    settled_at  BIGINT,
    settlement  BYTEA  NOT NULL,
    PRIMARY KEY (source, name)
);

CREATE INDEX IF NOT EXISTS item_unfinished ON item (claimed_at, claim) WHERE settled_at IS NULL;

-- One row per stream; `body` is the stream as JSON, the other columns are what it is found by.
CREATE TABLE IF NOT EXISTS stream (
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workflow  TEXT COLLATE "C" NOT NULL,
    state     TEXT   NOT NULL,
    is_closed BIGINT NOT NULL,
    body      TEXT   NOT NULL
);

CREATE INDEX IF NOT EXISTS stream_workflow ON stream (workflow, is_closed, id);

CREATE TABLE IF NOT EXISTS stream_log (
    ordering  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream    TEXT COLLATE "C" NOT NULL REFERENCES stream (id) ON DELETE CASCADE,
    logged_at BIGINT NOT NULL,
    severity  TEXT,
    code      BIGINT NOT NULL,
    line      TEXT   NOT NULL
);

CREATE INDEX IF NOT EXISTS stream_log_stream ON stream_log (stream, ordering);

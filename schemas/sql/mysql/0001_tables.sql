-- The schema, for MariaDB and MySQL: leases, cluster, journal, snapshots, item history, stream
-- history. Times are milliseconds since 1970-01-01 UTC. Migrations are only ever added, never
-- changed. Text is compared by code point: names differ by case and accent, and sort alike
-- everywhere.

CREATE TABLE IF NOT EXISTS schema_version (
    version    BIGINT       NOT NULL PRIMARY KEY,
    name       VARCHAR(128) NOT NULL,
    applied_at BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Who may write. The epoch only ever increases; an empty owner means that nobody holds the lease.
CREATE TABLE IF NOT EXISTS lease (
    name        VARCHAR(255) NOT NULL PRIMARY KEY,
    owner       VARCHAR(255) NOT NULL DEFAULT '',
    epoch       BIGINT       NOT NULL DEFAULT 0,
    acquired_at BIGINT       NOT NULL DEFAULT 0,
    expires_at  BIGINT       NOT NULL DEFAULT 0,
    pinned      VARCHAR(128)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row, made here. An empty id means that the store is nobody's; `version` is of the list of
-- members.
CREATE TABLE IF NOT EXISTS cluster (
    one     BIGINT       NOT NULL PRIMARY KEY CHECK (one = 1),
    id      VARCHAR(36)  NOT NULL DEFAULT '',
    name    VARCHAR(128) NOT NULL DEFAULT '',
    version BIGINT       NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT IGNORE INTO cluster (one) VALUES (1);

-- `body` is the member as JSON, the other columns are for people.
CREATE TABLE IF NOT EXISTS cluster_member (
    uid    VARCHAR(36)  NOT NULL PRIMARY KEY,
    name   VARCHAR(128) NOT NULL,
    status VARCHAR(32)  NOT NULL,
    body   LONGTEXT     NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- An epoch of null is refused: that is how a deposed writer is.
CREATE TABLE IF NOT EXISTS event_journal (
    persistence_id     VARCHAR(255) NOT NULL,
    sequence_number    BIGINT       NOT NULL,
    writer             VARCHAR(255) NOT NULL,
    writer_epoch       BIGINT       NOT NULL CHECK (writer_epoch > 0),
    write_timestamp    BIGINT       NOT NULL,
    event_ser_manifest VARCHAR(255) NOT NULL,
    event_ser_version  BIGINT       NOT NULL,
    event_payload      LONGBLOB     NOT NULL,
    checksum           BIGINT       NOT NULL,
    command            VARCHAR(36),
    PRIMARY KEY (persistence_id, sequence_number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- How far each journal was deleted. Those numbers are never used again.
CREATE TABLE IF NOT EXISTS event_deleted (
    persistence_id VARCHAR(255) NOT NULL PRIMARY KEY,
    deleted_to     BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The last place that was given for a tag. Its row is locked until the commit, so that places are
-- committed in their order and a reader skips nothing.
CREATE TABLE IF NOT EXISTS event_tag_head (
    tag     VARCHAR(255) NOT NULL PRIMARY KEY,
    highest BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS event_tag (
    tag             VARCHAR(255) NOT NULL,
    place           BIGINT       NOT NULL,
    persistence_id  VARCHAR(255) NOT NULL,
    sequence_number BIGINT       NOT NULL,
    PRIMARY KEY (tag, place),
    KEY event_tag_event (persistence_id, sequence_number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS snapshot (
    persistence_id        VARCHAR(255) NOT NULL,
    sequence_number       BIGINT       NOT NULL,
    created               BIGINT       NOT NULL,
    snapshot_ser_manifest VARCHAR(255) NOT NULL,
    snapshot_ser_version  BIGINT       NOT NULL,
    snapshot_payload      LONGBLOB     NOT NULL,
    checksum              BIGINT       NOT NULL,
    PRIMARY KEY (persistence_id, sequence_number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row per source item: its last claim. `settled_at` is null while the claim owes something.
-- `name` is bytes, since text is compared without the spaces at its end; `size`, `device` and
-- `inode` hold unsigned numbers bit by bit.
CREATE TABLE IF NOT EXISTS item (
    source      VARCHAR(257)    NOT NULL,
    name        VARBINARY(2000) NOT NULL,
    claim       VARCHAR(36)     NOT NULL,
    stream      VARCHAR(36)     NOT NULL,
    owner       VARCHAR(255)    NOT NULL,
    status      VARCHAR(32)     NOT NULL,
    size        BIGINT          NOT NULL,
    modified_ns BIGINT          NOT NULL,
    device      BIGINT          NOT NULL,
    inode       BIGINT          NOT NULL,
    claimed_at  BIGINT          NOT NULL,
    settled_at  BIGINT,
    settlement  LONGBLOB        NOT NULL,
    PRIMARY KEY (source, name),
    UNIQUE KEY item_claim (claim),
    KEY item_unfinished (settled_at, claimed_at, claim)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- One row per stream; `body` is the stream as JSON, the other columns are what it is found by.
CREATE TABLE IF NOT EXISTS stream (
    id        VARCHAR(36)  NOT NULL PRIMARY KEY,
    workflow  VARCHAR(128) NOT NULL,
    state     VARCHAR(32)  NOT NULL,
    is_closed BIGINT       NOT NULL,
    body      LONGTEXT     NOT NULL,
    KEY stream_workflow (workflow, is_closed, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS stream_log (
    ordering  BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    stream    VARCHAR(36) NOT NULL,
    logged_at BIGINT      NOT NULL,
    severity  VARCHAR(32),
    code      BIGINT      NOT NULL,
    line      LONGTEXT    NOT NULL,
    KEY stream_log_stream (stream, ordering),
    CONSTRAINT stream_log_of FOREIGN KEY (stream) REFERENCES stream (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

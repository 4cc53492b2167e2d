-- Objects: content by its SHA-256, as hexadecimal digits. An object is there when it has a row in
-- `object`; that row is written last. `touched_at`: somebody put it or asked for it then.
CREATE TABLE IF NOT EXISTS object (
    digest     TEXT    NOT NULL PRIMARY KEY,
    size       INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS object_touched ON object (touched_at);

-- In pieces, numbered from 0.
CREATE TABLE IF NOT EXISTS object_chunk (
    digest     TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    content    BLOB    NOT NULL,
    PRIMARY KEY (digest, number)
) STRICT;

CREATE INDEX IF NOT EXISTS object_chunk_written ON object_chunk (written_at);

-- Objects: content by its SHA-256. An object is there when it has a row in `object`; that row is
-- written last. `touched_at`: somebody put it or asked for it then.
CREATE TABLE IF NOT EXISTS object (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    size       BIGINT NOT NULL,
    touched_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS object_touched ON object (touched_at);

-- In pieces, numbered from 0.
CREATE TABLE IF NOT EXISTS object_chunk (
    digest     BYTEA  NOT NULL,
    number     BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    content    BYTEA  NOT NULL,
    PRIMARY KEY (digest, number)
);

CREATE INDEX IF NOT EXISTS object_chunk_written ON object_chunk (written_at);

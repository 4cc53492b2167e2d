-- Objects: content by its SHA-256. An object is there when it has a row in `object`; that row is
-- written last. `touched_at`: somebody put it or asked for it then.
CREATE TABLE IF NOT EXISTS object (
    digest     BINARY(32) NOT NULL PRIMARY KEY,
    size       BIGINT     NOT NULL,
    touched_at BIGINT     NOT NULL,
    KEY object_touched (touched_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- In pieces, numbered from 0.
CREATE TABLE IF NOT EXISTS object_chunk (
    digest     BINARY(32) NOT NULL,
    number     BIGINT     NOT NULL,
    size       BIGINT     NOT NULL,
    written_at BIGINT     NOT NULL,
    content    LONGBLOB   NOT NULL,
    PRIMARY KEY (digest, number),
    KEY object_chunk_written (written_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

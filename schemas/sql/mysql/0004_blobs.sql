-- Blobs: content under a key of its own, such as checkpoints. Keys are ASCII, compared byte by byte.
-- `checksum` covers key and content; `written_at` is for people.
CREATE TABLE IF NOT EXISTS stored_blob (
    blob_key   VARCHAR(640) NOT NULL PRIMARY KEY,
    size       BIGINT       NOT NULL,
    checksum   BIGINT       NOT NULL,
    written_at BIGINT       NOT NULL,
    content    LONGBLOB     NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

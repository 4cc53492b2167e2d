-- Blobs: content under a key of its own, such as checkpoints. Keys are compared byte by byte.
-- `checksum` covers key and content; `written_at` is for people.
CREATE TABLE IF NOT EXISTS stored_blob (
    blob_key   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    size       BIGINT NOT NULL,
    checksum   BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    content    BYTEA  NOT NULL
);

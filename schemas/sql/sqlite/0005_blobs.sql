-- Blobs: content under a key of its own, such as checkpoints. Keys are compared byte by byte.
-- `checksum` covers key and content; `written_at` is for people.
CREATE TABLE IF NOT EXISTS stored_blob (
    blob_key   TEXT    NOT NULL PRIMARY KEY,
    size       INTEGER NOT NULL,
    checksum   INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    content    BLOB    NOT NULL
) STRICT;

-- Whoever comes second changes nothing.
INSERT IGNORE INTO stored_blob (blob_key, size, checksum, content, written_at)
VALUES (?, ?, ?, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))

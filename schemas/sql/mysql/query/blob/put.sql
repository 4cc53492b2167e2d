INSERT INTO stored_blob (blob_key, size, checksum, content, written_at)
VALUES (?, ?, ?, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))
ON DUPLICATE KEY UPDATE
    size = VALUES(size),
    checksum = VALUES(checksum),
    content = VALUES(content),
    written_at = VALUES(written_at)

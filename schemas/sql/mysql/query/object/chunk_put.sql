INSERT INTO object_chunk (digest, number, size, written_at, content)
VALUES (?, ?, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), ?)
ON DUPLICATE KEY UPDATE
    size = VALUES(size), written_at = VALUES(written_at), content = VALUES(content)

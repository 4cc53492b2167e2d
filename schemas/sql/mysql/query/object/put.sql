-- Digest, size, digest, size. Only if all of it is there: a sweep may have taken pieces of a slow
-- put.
INSERT IGNORE INTO object (digest, size, touched_at)
SELECT ?, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) FROM DUAL
WHERE (SELECT coalesce(sum(size), 0) FROM object_chunk WHERE digest = ?) = ?

SELECT name, owner, epoch, expires_at, pinned, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) FROM lease WHERE name = ?

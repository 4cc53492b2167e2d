UPDATE lease SET expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ? WHERE name = ? AND owner = ? AND epoch = ?

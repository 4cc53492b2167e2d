-- Age, go on after this digest, how many.
SELECT digest FROM object WHERE touched_at <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - ? AND digest > ? ORDER BY digest LIMIT ?

SELECT ordering, CAST(LENGTH(line) AS SIGNED) FROM stream_log
WHERE stream = ?
ORDER BY ordering DESC LIMIT ?

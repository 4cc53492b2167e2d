SELECT ordering, LENGTH(CAST(line AS BLOB)) FROM stream_log
WHERE stream = ?1
ORDER BY ordering DESC LIMIT ?2

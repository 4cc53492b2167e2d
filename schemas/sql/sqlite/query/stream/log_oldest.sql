SELECT ordering, code, SUBSTR(line, 1, 100) FROM stream_log
WHERE stream = ?1 AND ordering <= ?2
ORDER BY ordering LIMIT ?3

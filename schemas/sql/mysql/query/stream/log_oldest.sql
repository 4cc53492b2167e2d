SELECT ordering, code, LEFT(line, 100) FROM stream_log
WHERE stream = ? AND ordering <= ?
ORDER BY ordering LIMIT ?

SELECT logged_at, severity, code, line FROM stream_log
WHERE stream = ? AND logged_at BETWEEN ? AND ?
ORDER BY ordering

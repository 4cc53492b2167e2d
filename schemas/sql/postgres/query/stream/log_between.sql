SELECT logged_at, severity, code, line FROM stream_log
WHERE stream = $1 AND logged_at BETWEEN $2 AND $3
ORDER BY ordering

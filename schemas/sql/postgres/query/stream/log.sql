SELECT logged_at, severity, code, line FROM stream_log WHERE stream = $1 ORDER BY ordering

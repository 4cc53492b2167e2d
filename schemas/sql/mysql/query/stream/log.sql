SELECT logged_at, severity, code, line FROM stream_log WHERE stream = ? ORDER BY ordering

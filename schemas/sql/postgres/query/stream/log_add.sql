INSERT INTO stream_log (stream, logged_at, severity, code, line) VALUES ($1, $2, $3, $4, $5)

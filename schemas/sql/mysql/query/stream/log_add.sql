INSERT INTO stream_log (stream, logged_at, severity, code, line) VALUES (?, ?, ?, ?, ?)

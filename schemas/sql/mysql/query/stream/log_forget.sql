-- The stream, and how many lines at most.
DELETE FROM stream_log WHERE stream = ? LIMIT ?

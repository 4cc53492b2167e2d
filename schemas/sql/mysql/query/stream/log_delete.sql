DELETE FROM stream_log WHERE stream = ? AND ordering < ?

DELETE FROM stream_log WHERE stream = $1 AND ordering < $2

-- The stream, and how many lines at most.
DELETE FROM stream_log WHERE ordering IN (
    SELECT ordering FROM stream_log WHERE stream = $1 LIMIT $2
)

SELECT ordering, OCTET_LENGTH(line)::BIGINT FROM stream_log
WHERE stream = $1
ORDER BY ordering DESC LIMIT $2

-- Age, go on after this digest, how many.
SELECT digest FROM object
WHERE touched_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1::bigint AND digest > $2 ORDER BY digest LIMIT $3

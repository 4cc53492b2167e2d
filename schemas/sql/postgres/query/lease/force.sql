-- Owner, time to live, name, the owner and epoch that were seen.
UPDATE lease SET owner = $1, epoch = epoch + 1, acquired_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint, expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $2::bigint
WHERE name = $3 AND owner = $4 AND epoch = $5
RETURNING epoch

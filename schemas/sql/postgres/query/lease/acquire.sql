-- Owner, time to live, name, owner.
UPDATE lease SET owner = $1, epoch = epoch + 1, acquired_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint, expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $2::bigint
WHERE name = $3 AND (owner = '' OR owner = $4 OR expires_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
RETURNING epoch

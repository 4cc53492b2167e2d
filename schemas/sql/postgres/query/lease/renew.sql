UPDATE lease SET expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $1::bigint WHERE name = $2 AND owner = $3 AND epoch = $4

UPDATE object SET touched_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint WHERE digest = $1

SELECT name, owner, epoch, expires_at, pinned, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM lease ORDER BY name

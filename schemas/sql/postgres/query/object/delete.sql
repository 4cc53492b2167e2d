-- Digest, age: it may have been touched since it was found old.
DELETE FROM object WHERE digest = $1 AND touched_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $2::bigint

-- Digest, size, digest, size. Only if all of it is there: a sweep may have taken pieces of a slow
-- put.
INSERT INTO object (digest, size, touched_at)
SELECT $1::bytea, $2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
WHERE (SELECT coalesce(sum(size), 0) FROM object_chunk WHERE digest = $3) = $4::bigint
ON CONFLICT (digest) DO NOTHING

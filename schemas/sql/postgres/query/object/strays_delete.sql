-- Pieces of puts that nobody finished. Their age.
DELETE FROM object_chunk
WHERE written_at <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1::bigint
  AND NOT EXISTS (SELECT 1 FROM object WHERE object.digest = object_chunk.digest)

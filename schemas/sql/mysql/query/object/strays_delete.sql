-- Pieces of puts that nobody finished. Their age.
DELETE FROM object_chunk
WHERE written_at <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - ?
  AND NOT EXISTS (SELECT 1 FROM object WHERE object.digest = object_chunk.digest)

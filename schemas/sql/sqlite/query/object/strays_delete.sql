-- Pieces of puts that nobody finished. ?1 the latest that are old
DELETE FROM object_chunk
WHERE written_at <= ?1
  AND NOT EXISTS (SELECT 1 FROM object WHERE object.digest = object_chunk.digest)

-- ?1 digest, ?2 size, ?3 now. Only if all of it is there: a sweep may have taken pieces of a slow
-- put.
INSERT INTO object (digest, size, touched_at)
SELECT ?1, ?2, ?3
WHERE (SELECT coalesce(sum(size), 0) FROM object_chunk WHERE digest = ?1) = ?2
ON CONFLICT (digest) DO NOTHING

-- Digest, age: it may have been touched since it was found old.
DELETE FROM object WHERE digest = ? AND touched_at <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - ?

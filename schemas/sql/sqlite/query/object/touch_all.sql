-- ?1 is a JSON array of digests.
UPDATE object SET touched_at = ?2 WHERE digest IN (SELECT value FROM json_each(?1))

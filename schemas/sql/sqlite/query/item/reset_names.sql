-- ?2 is a JSON array of names.
DELETE FROM item
WHERE source = ?1 AND name IN (SELECT value FROM json_each(?2)) AND settled_at IS NOT NULL

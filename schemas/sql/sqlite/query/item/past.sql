-- ?2 is a JSON array of names.
SELECT name, status, settled_at, size, modified_ns, cleared_at
FROM item
WHERE source = ?1 AND name IN (SELECT value FROM json_each(?2))

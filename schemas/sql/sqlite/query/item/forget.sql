-- ?1 is a JSON array of claims.
DELETE FROM item WHERE claim IN (SELECT value FROM json_each(?1)) AND settled_at IS NOT NULL

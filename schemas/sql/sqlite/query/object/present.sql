-- ?1 is a JSON array of digests.
SELECT digest FROM object WHERE digest IN (SELECT value FROM json_each(?1))

-- ?2 is a JSON array of claims.
UPDATE item SET status = 'pending', cleared_at = ?1
WHERE claim IN (SELECT value FROM json_each(?2)) AND status = 'waiting'

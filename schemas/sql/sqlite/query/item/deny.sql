-- ?2 is a JSON array of claims.
UPDATE item SET status = 'denied', settled_at = ?1
WHERE claim IN (SELECT value FROM json_each(?2)) AND status = 'waiting'

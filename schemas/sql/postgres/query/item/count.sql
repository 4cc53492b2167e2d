-- Counts no further than the limit.
SELECT count(*)
FROM (SELECT 1 FROM item WHERE source = $1 AND status = $2 LIMIT $3) AS counted

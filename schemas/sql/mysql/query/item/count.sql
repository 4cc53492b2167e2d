-- Counts no further than the limit.
SELECT count(*)
FROM (SELECT 1 FROM item WHERE source = ? AND status = ? LIMIT ?) AS counted

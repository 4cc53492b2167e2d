-- As the newest of all, with the status in the last place before the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at,
    instance, cleared_at, claim
FROM item
WHERE source = $1
    AND claimed_at >= $2 AND claimed_at <= $3 AND (claimed_at < $4 OR name < $5)
    AND status = $6
ORDER BY claimed_at DESC, name DESC
LIMIT $7

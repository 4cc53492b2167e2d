-- As the newest of all, with the status in the last place before the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at,
    instance, cleared_at, claim
FROM item
WHERE source = ?
    AND claimed_at >= ? AND claimed_at <= ? AND (claimed_at < ? OR name < ?)
    AND status = ?
ORDER BY claimed_at DESC, name DESC
LIMIT ?

-- The source; the earliest time; the latest time; the latest time, of which only names before the
-- one that follows are meant; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at,
    instance, cleared_at, claim
FROM item
WHERE source = ?
    AND claimed_at >= ? AND claimed_at <= ? AND (claimed_at < ? OR name < ?)
ORDER BY claimed_at DESC, name DESC
LIMIT ?

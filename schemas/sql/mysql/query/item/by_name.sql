-- The source; the name to begin with; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at,
    instance, cleared_at, claim
FROM item
WHERE source = ? AND name >= ?
ORDER BY name
LIMIT ?

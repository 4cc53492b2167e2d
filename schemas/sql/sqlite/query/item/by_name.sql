-- The source; the name to begin with; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at,
    instance, cleared_at, claim
FROM item
WHERE source = ?1 AND name >= ?2
ORDER BY name
LIMIT ?3

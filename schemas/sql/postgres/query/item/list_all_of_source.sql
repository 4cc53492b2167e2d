-- The source; a status or null, twice; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE source = $1 AND ($2::text IS NULL OR status = $3)
ORDER BY name
LIMIT $4

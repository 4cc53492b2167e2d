-- The source; the last name of the page before; a status or null, twice; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE source = $1 AND name > $2 AND ($3::text IS NULL OR status = $4)
ORDER BY name
LIMIT $5

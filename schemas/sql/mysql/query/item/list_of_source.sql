-- The source; the last name of the page before; a status or null, twice; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE source = ? AND name > ? AND (? IS NULL OR status = ?)
ORDER BY name
LIMIT ?

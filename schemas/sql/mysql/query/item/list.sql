-- The last row of the page before: source, source, name; a status or null, twice; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE source >= ? AND (source > ? OR name > ?) AND (? IS NULL OR status = ?)
ORDER BY source, name
LIMIT ?

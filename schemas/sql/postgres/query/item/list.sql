-- The last row of the page before: source, source, name; a status or null, twice; the limit.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE source >= $1 AND (source > $2 OR name > $3) AND ($4::text IS NULL OR status = $5)
ORDER BY source, name
LIMIT $6

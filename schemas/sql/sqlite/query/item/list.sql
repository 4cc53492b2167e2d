-- ?1 and ?2 are the last row of the page before, ?3 is a status or null.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE (source, name) > (?1, ?2) AND (?3 IS NULL OR status = ?3)
ORDER BY source, name
LIMIT ?4

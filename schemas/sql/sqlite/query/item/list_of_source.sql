-- As the list of all, but it ends with the source ?5.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at
FROM item
WHERE source = ?5 AND (source, name) > (?1, ?2) AND (?3 IS NULL OR status = ?3)
ORDER BY source, name
LIMIT ?4

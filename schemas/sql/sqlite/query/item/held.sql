SELECT
    claim, source, name, size, modified_ns, device, inode, stream, owner, status, settlement
FROM item
WHERE claim = ?1 AND settled_at IS NULL

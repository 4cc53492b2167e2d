SELECT
    claim, source, name, size, modified_ns, device, inode, stream, owner, status, settlement
FROM item
WHERE settled_at IS NULL
ORDER BY claimed_at, claim

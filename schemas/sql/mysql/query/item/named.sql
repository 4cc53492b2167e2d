-- :names stands for as many names as there are.
SELECT
    source, name, size, modified_ns, device, inode, status, stream, owner, claimed_at, settled_at,
    instance, cleared_at, claim
FROM item
WHERE source = ? AND name IN (:names)

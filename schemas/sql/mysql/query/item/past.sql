-- :names stands for as many names as there are.
SELECT claim, name, status, settled_at, size, modified_ns, cleared_at
FROM item
WHERE source = ? AND name IN (:names)

SELECT claim, name, status, settled_at, size, modified_ns, cleared_at
FROM item
WHERE source = $1 AND name = ANY ($2::bytea[])

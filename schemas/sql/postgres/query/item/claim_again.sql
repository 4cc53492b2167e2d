-- The condition repeats what was seen before, the row's claim with it: what others did with the
-- row meanwhile is never overwritten.
UPDATE item SET
    claim = $1, stream = $2, owner = $3, size = $4, modified_ns = $5, device = $6, inode = $7,
    claimed_at = $8, settlement = $9, instance = $10, status = 'acquired', settled_at = NULL
WHERE source = $11 AND name = $12 AND settled_at IS NOT NULL AND claim = $13

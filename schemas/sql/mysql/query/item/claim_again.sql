-- The condition repeats what was seen before, the row's claim with it: what others did with the
-- row meanwhile is never overwritten.
UPDATE item SET
    claim = ?, stream = ?, owner = ?, size = ?, modified_ns = ?, device = ?, inode = ?,
    claimed_at = ?, settlement = ?, instance = ?, status = 'acquired', settled_at = NULL
WHERE source = ? AND name = ? AND settled_at IS NOT NULL AND claim = ?

-- The condition repeats what was seen before, the row's claim with it.
UPDATE item SET
    claim = $1, size = $2, modified_ns = $3, device = $4, inode = $5,
    claimed_at = $6, settled_at = $7, cleared_at = NULL, instance = 0,
    stream = '', owner = '', status = 'waiting', settlement = ''
WHERE source = $8 AND name = $9 AND settled_at IS NOT NULL AND claim = $10

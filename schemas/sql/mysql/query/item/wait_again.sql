-- The condition repeats what was seen before, the row's claim with it.
UPDATE item SET
    claim = ?, size = ?, modified_ns = ?, device = ?, inode = ?,
    claimed_at = ?, settled_at = ?, cleared_at = NULL, instance = 0,
    stream = '', owner = '', status = 'waiting', settlement = ''
WHERE source = ? AND name = ? AND settled_at IS NOT NULL AND claim = ?

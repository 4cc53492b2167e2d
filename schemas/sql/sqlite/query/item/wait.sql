-- The condition repeats what was decided before: a held row is never overwritten.
INSERT INTO item (
    claim, size, modified_ns, device, inode, claimed_at, settled_at, source, name,
    stream, owner, status, settlement
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '', 'waiting', x'')
ON CONFLICT (source, name) DO UPDATE SET
    claim = excluded.claim,
    stream = excluded.stream,
    owner = excluded.owner,
    status = excluded.status,
    size = excluded.size,
    modified_ns = excluded.modified_ns,
    device = excluded.device,
    inode = excluded.inode,
    claimed_at = excluded.claimed_at,
    settled_at = excluded.settled_at,
    settlement = excluded.settlement,
    instance = excluded.instance,
    cleared_at = NULL
WHERE item.settled_at IS NOT NULL

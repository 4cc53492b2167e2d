INSERT INTO item (
    claim, size, modified_ns, device, inode, claimed_at, settled_at, source, name,
    stream, owner, status, settlement
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', 'waiting', '')

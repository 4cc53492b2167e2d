INSERT INTO item (
    claim, size, modified_ns, device, inode, claimed_at, settled_at, source, name,
    stream, owner, status, settlement
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 'waiting', '')

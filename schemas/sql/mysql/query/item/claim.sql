INSERT INTO item (
    claim, stream, owner, size, modified_ns, device, inode, claimed_at, settlement, instance, source,
    name, status
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'acquired')

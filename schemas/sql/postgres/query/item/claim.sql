INSERT INTO item (
    claim, stream, owner, size, modified_ns, device, inode, claimed_at, settlement, instance, source,
    name, status
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'acquired')

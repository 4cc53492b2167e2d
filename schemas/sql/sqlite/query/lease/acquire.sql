-- ?1 name, ?2 owner, ?3 now, ?4 the expiry wanted
INSERT INTO lease (name, owner, epoch, acquired_at, expires_at) VALUES (?1, ?2, 1, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner,
    epoch = lease.epoch + 1,
    acquired_at = excluded.acquired_at,
    expires_at = excluded.expires_at
WHERE lease.owner = '' OR lease.owner = excluded.owner OR lease.expires_at <= excluded.acquired_at
RETURNING epoch

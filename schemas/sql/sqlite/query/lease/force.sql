-- ?1 name, ?2 owner, ?3 now, ?4 the expiry wanted, ?5 and ?6 the owner and epoch that were seen
UPDATE lease SET owner = ?2, epoch = epoch + 1, acquired_at = ?3, expires_at = ?4
WHERE name = ?1 AND owner = ?5 AND epoch = ?6
RETURNING epoch

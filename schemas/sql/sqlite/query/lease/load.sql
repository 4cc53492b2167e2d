SELECT name, owner, epoch, expires_at, pinned FROM lease WHERE name = ?1

SELECT name, owner, epoch, expires_at FROM lease WHERE name = ?1

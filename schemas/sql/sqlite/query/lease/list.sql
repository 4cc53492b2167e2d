SELECT name, owner, epoch, expires_at, pinned FROM lease ORDER BY name

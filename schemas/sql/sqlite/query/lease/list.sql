SELECT name, owner, epoch, expires_at FROM lease ORDER BY name

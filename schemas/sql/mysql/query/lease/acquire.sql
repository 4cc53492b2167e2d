-- Owner, time to live, name, owner. The new epoch is what the connection last inserted.
UPDATE lease SET
    owner = ?, epoch = LAST_INSERT_ID(epoch + 1), acquired_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ?
WHERE name = ? AND (owner = '' OR owner = ? OR expires_at <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED))

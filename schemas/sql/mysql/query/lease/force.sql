-- Owner, time to live, name, the owner and epoch that were seen. The new epoch is what the
-- connection last inserted. The epoch is compared before it is set: assignments go left to right.
UPDATE lease SET
    owner = ?, epoch = LAST_INSERT_ID(epoch + 1), acquired_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), expires_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + ?
WHERE name = ? AND owner = ? AND epoch = ?

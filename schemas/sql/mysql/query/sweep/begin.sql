INSERT INTO item_sweep (id, begun_at, revision, body)
VALUES (?, ?, 0, ?)
ON DUPLICATE KEY UPDATE id = id

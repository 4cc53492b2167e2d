INSERT INTO item_sweep (id, begun_at, revision, body)
VALUES (?1, ?2, 0, ?3)
ON CONFLICT DO NOTHING

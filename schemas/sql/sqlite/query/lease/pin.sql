INSERT INTO lease (name, pinned) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET pinned = excluded.pinned

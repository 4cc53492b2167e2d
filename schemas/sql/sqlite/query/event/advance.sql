INSERT INTO event_head (persistence_id, highest) VALUES (?1, ?2)
ON CONFLICT (persistence_id) DO UPDATE SET highest = excluded.highest

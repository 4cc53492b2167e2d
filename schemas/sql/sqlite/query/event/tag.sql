INSERT INTO event_tag (tag, ordering) VALUES (?1, ?2) ON CONFLICT DO NOTHING

INSERT INTO event_tag (tag, place, persistence_id, sequence_number) VALUES (?, ?, ?, ?)

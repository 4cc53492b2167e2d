INSERT INTO event_tag (tag, place, persistence_id, sequence_number) VALUES ($1, $2, $3, $4)

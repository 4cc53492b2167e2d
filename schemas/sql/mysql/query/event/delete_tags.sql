DELETE FROM event_tag WHERE persistence_id = ? AND sequence_number <= ?

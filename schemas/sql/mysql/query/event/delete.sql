DELETE FROM event_journal WHERE persistence_id = ? AND sequence_number <= ?

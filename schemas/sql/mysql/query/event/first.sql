SELECT min(sequence_number) FROM event_journal WHERE persistence_id = ?

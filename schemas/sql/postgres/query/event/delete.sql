DELETE FROM event_journal WHERE persistence_id = $1 AND sequence_number <= $2

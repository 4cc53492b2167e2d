DELETE FROM event_tag WHERE persistence_id = $1 AND sequence_number <= $2

SELECT sequence_number FROM snapshot WHERE persistence_id = $1 ORDER BY sequence_number DESC

SELECT sequence_number FROM snapshot WHERE persistence_id = ? ORDER BY sequence_number DESC

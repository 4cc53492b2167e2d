DELETE FROM snapshot
WHERE persistence_id = ?1 AND sequence_number NOT IN (
    SELECT sequence_number FROM snapshot WHERE persistence_id = ?1
    ORDER BY sequence_number DESC LIMIT ?2
)

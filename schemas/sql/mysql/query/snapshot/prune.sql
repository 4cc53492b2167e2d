DELETE FROM snapshot
WHERE persistence_id = ? AND sequence_number NOT IN (
    SELECT sequence_number FROM (
        SELECT sequence_number FROM snapshot WHERE persistence_id = ?
        ORDER BY sequence_number DESC LIMIT ?
    ) AS kept
)

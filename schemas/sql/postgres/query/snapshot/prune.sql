DELETE FROM snapshot
WHERE persistence_id = $1 AND sequence_number NOT IN (
    SELECT sequence_number FROM (
        SELECT sequence_number FROM snapshot WHERE persistence_id = $2
        ORDER BY sequence_number DESC LIMIT $3
    ) AS kept
)

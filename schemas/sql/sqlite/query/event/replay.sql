SELECT
    ordering, persistence_id, sequence_number, writer_epoch, write_timestamp,
    event_ser_manifest, event_ser_version, event_payload, checksum, command
FROM event_journal
WHERE persistence_id = ?1 AND sequence_number > ?2
ORDER BY sequence_number
LIMIT ?3

-- The first column is how far the journal was deleted at the same moment.
SELECT
    coalesce((SELECT deleted_to FROM event_deleted WHERE persistence_id = $1), 0),
    persistence_id, sequence_number, writer_epoch, write_timestamp,
    event_ser_manifest, event_ser_version, event_payload, checksum, command
FROM event_journal
WHERE persistence_id = $2 AND sequence_number > $3
ORDER BY sequence_number
LIMIT $4

INSERT INTO event_journal (
    persistence_id, sequence_number, writer, writer_epoch, write_timestamp,
    event_ser_manifest, event_ser_version, event_payload, checksum, command
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
RETURNING ordering

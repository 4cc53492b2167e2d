-- Followed by rows, of two kinds.
INSERT INTO event_journal (
    persistence_id, sequence_number, writer, writer_epoch, write_timestamp,
    event_ser_manifest, event_ser_version, event_payload, checksum, command
) VALUES

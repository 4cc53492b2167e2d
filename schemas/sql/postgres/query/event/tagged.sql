SELECT
    t.place, j.persistence_id, j.sequence_number, j.writer_epoch, j.write_timestamp,
    j.event_ser_manifest, j.event_ser_version, j.event_payload, j.checksum, j.command
FROM event_tag t
JOIN event_journal j
    ON j.persistence_id = t.persistence_id AND j.sequence_number = t.sequence_number
WHERE t.tag = $1 AND t.place > $2
ORDER BY t.place
LIMIT $3

-- Writers are serialised, so that orderings are committed in their order: nothing is skipped.
SELECT
    j.ordering, j.persistence_id, j.sequence_number, j.writer_epoch, j.write_timestamp,
    j.event_ser_manifest, j.event_ser_version, j.event_payload, j.checksum, j.command
FROM event_tag t JOIN event_journal j ON j.ordering = t.ordering
WHERE t.tag = ?1 AND t.ordering > ?2
ORDER BY t.ordering
LIMIT ?3

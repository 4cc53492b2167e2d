INSERT INTO snapshot (
    persistence_id, sequence_number, created,
    snapshot_ser_manifest, snapshot_ser_version, snapshot_payload, checksum
) VALUES (?, ?, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE
    created = VALUES(created),
    snapshot_ser_manifest = VALUES(snapshot_ser_manifest),
    snapshot_ser_version = VALUES(snapshot_ser_version),
    snapshot_payload = VALUES(snapshot_payload),
    checksum = VALUES(checksum)

SELECT sequence_number, snapshot_ser_manifest, snapshot_ser_version, snapshot_payload, checksum
FROM snapshot
WHERE persistence_id = ? AND sequence_number <= ?
ORDER BY sequence_number DESC
LIMIT 1

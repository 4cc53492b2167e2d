SELECT sequence_number, snapshot_ser_manifest, snapshot_ser_version, snapshot_payload, checksum
FROM snapshot
WHERE persistence_id = $1 AND sequence_number <= $2
ORDER BY sequence_number DESC
LIMIT 1

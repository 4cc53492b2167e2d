INSERT INTO snapshot (
    persistence_id, sequence_number, created,
    snapshot_ser_manifest, snapshot_ser_version, snapshot_payload, checksum
) VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $3, $4, $5, $6)
ON CONFLICT (persistence_id, sequence_number) DO UPDATE SET
    created = excluded.created,
    snapshot_ser_manifest = excluded.snapshot_ser_manifest,
    snapshot_ser_version = excluded.snapshot_ser_version,
    snapshot_payload = excluded.snapshot_payload,
    checksum = excluded.checksum

-- One row per element of the arrays. The first event under a fence names its lease: its epoch is
-- read under a lock that keeps a take-over out, and is null if the writer was deposed.
INSERT INTO event_journal (
    persistence_id, sequence_number, writer, writer_epoch, write_timestamp,
    event_ser_manifest, event_ser_version, event_payload, checksum, command
)
SELECT
    v.id, v.sequence, v.writer,
    CASE WHEN v.lease IS NULL THEN v.epoch ELSE (
        SELECT l.epoch FROM lease l
        WHERE l.name = v.lease AND l.owner = v.writer AND l.epoch = v.epoch
        FOR NO KEY UPDATE
    ) END,
    -- In a query of its own it is computed once, not for each row.
    (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint),
    v.manifest, v.form, v.payload, v.checksum, v.command
FROM unnest(
    $1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[],
    $6::text[], $7::bigint[], $8::bytea[], $9::bigint[], $10::text[]
) AS v (id, sequence, lease, writer, epoch, manifest, form, payload, checksum, command)

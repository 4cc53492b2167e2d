-- Whoever comes second changes nothing.
INSERT INTO stored_blob (blob_key, size, checksum, content, written_at)
VALUES ($1, $2, $3, $4, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
ON CONFLICT (blob_key) DO NOTHING

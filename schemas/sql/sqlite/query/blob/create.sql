-- Whoever comes second changes nothing.
INSERT INTO stored_blob (blob_key, size, checksum, content, written_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (blob_key) DO NOTHING

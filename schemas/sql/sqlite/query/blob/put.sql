INSERT INTO stored_blob (blob_key, size, checksum, content, written_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (blob_key) DO UPDATE SET
    size = excluded.size,
    checksum = excluded.checksum,
    content = excluded.content,
    written_at = excluded.written_at

INSERT INTO object_chunk (digest, number, size, written_at, content) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (digest, number) DO UPDATE SET
    size = excluded.size, written_at = excluded.written_at, content = excluded.content

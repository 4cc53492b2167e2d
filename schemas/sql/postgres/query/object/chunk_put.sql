INSERT INTO object_chunk (digest, number, size, written_at, content)
VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $4)
ON CONFLICT (digest, number) DO UPDATE SET
    size = excluded.size, written_at = excluded.written_at, content = excluded.content

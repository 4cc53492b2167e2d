DELETE FROM item WHERE source = $1 AND name = ANY ($2::bytea[]) AND settled_at IS NOT NULL

DELETE FROM item WHERE source = $1 AND settled_at IS NOT NULL

DELETE FROM item WHERE source = ? AND settled_at IS NOT NULL

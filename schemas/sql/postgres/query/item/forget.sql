DELETE FROM item WHERE claim = ANY ($1::text[]) AND settled_at IS NOT NULL

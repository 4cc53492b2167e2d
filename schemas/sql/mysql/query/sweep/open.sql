SELECT id, body FROM item_sweep WHERE ended_at IS NULL ORDER BY begun_at, id

SELECT id, body FROM item_sweep WHERE id = ?1

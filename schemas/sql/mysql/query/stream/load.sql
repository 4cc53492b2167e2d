SELECT id, body FROM stream WHERE id = ?

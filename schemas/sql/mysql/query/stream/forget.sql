DELETE FROM stream WHERE id = ? AND is_closed = 1

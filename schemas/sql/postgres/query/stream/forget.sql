DELETE FROM stream WHERE id = $1 AND is_closed = 1

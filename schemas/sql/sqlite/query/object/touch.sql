UPDATE object SET touched_at = ?2 WHERE digest = ?1

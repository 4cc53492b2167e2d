UPDATE item SET status = ?2, settled_at = ?3, settlement = x'' WHERE claim = ?1

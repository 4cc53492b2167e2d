UPDATE item SET status = ?2, settlement = ?3 WHERE claim = ?1

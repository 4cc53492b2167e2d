UPDATE item SET claim = ?2, owner = ?3 WHERE claim = ?1

UPDATE item SET claim = $1, owner = $2 WHERE claim = $3

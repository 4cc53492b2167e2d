UPDATE item SET claim = ?, owner = ? WHERE claim = ?

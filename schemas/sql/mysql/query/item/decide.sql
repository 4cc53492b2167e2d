UPDATE item SET status = ?, settlement = ? WHERE claim = ?

UPDATE item SET status = ?, settled_at = ?, settlement = '' WHERE claim = ?

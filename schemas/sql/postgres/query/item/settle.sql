UPDATE item SET status = $1, settled_at = $2, settlement = '' WHERE claim = $3

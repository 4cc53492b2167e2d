UPDATE item SET status = $1, settlement = $2 WHERE claim = $3

SELECT status, settled_at FROM item WHERE claim = $1 FOR UPDATE

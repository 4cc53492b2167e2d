SELECT status, settled_at FROM item WHERE claim = ? FOR UPDATE

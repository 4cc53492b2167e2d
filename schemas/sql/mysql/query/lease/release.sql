UPDATE lease SET owner = '', expires_at = 0 WHERE name = ? AND owner = ? AND epoch = ?

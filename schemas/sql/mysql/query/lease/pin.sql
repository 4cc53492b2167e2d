UPDATE lease SET pinned = ? WHERE name = ?

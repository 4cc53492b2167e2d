UPDATE lease SET pinned = $1::text WHERE name = $2

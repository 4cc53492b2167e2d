UPDATE cluster SET id = $1, name = $2 WHERE id = ''

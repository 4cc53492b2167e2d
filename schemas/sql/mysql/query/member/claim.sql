UPDATE cluster SET id = ?, name = ? WHERE id = ''

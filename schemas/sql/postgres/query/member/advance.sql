UPDATE cluster SET version = version + 1 WHERE version = $1

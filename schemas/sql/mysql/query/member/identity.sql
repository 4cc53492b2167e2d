SELECT id, name FROM cluster

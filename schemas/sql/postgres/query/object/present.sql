SELECT digest FROM object WHERE digest = ANY ($1::bytea[])

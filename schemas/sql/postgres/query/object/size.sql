SELECT size FROM object WHERE digest = $1

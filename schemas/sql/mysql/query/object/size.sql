SELECT size FROM object WHERE digest = ?

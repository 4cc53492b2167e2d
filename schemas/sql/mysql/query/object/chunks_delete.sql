DELETE FROM object_chunk WHERE digest = ?

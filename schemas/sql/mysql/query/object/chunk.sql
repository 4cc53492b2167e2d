SELECT content FROM object_chunk WHERE digest = ? AND number = ?

SELECT content FROM object_chunk WHERE digest = $1 AND number = $2

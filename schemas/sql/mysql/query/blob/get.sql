SELECT content, checksum, size FROM stored_blob WHERE blob_key = ?

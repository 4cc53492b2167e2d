-- From this key on, up to that one: a range of the index, whatever stands in the key.
SELECT blob_key, size FROM stored_blob WHERE blob_key >= ? AND blob_key < ? ORDER BY blob_key

-- The blob, and the pieces of its content: the keys from the second on, up to the third.
DELETE FROM stored_blob WHERE blob_key = ? OR (blob_key >= ? AND blob_key < ?)

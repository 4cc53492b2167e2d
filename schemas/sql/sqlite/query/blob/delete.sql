-- The blob, and the pieces of its content: the keys from the second on, up to the third.
DELETE FROM stored_blob WHERE blob_key = ?1 OR (blob_key >= ?2 AND blob_key < ?3)

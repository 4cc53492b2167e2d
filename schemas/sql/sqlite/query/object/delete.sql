-- ?1 digest, ?2 the latest touch that is old
DELETE FROM object WHERE digest = ?1 AND touched_at <= ?2

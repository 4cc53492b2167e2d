-- ?1 the latest touch that is old, ?2 go on after this digest, ?3 how many
SELECT digest FROM object WHERE touched_at <= ?1 AND digest > ?2 ORDER BY digest LIMIT ?3

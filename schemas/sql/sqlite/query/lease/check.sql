-- The fence: not a word about time, since safety needs no clock.
SELECT 1 FROM lease WHERE name = ?1 AND owner = ?2 AND epoch = ?3

-- The fence: not a word about time, since safety needs no clock. The lock keeps a take-over out
-- until the commit. It is not the weaker FOR SHARE: those who share would starve a take-over.
SELECT epoch FROM lease WHERE name = $1 AND owner = $2 AND epoch = $3 FOR NO KEY UPDATE

-- The fence: not a word about time, since safety needs no clock. The lock keeps a take-over out
-- until the commit.
SELECT epoch FROM lease WHERE name = ? AND owner = ? AND epoch = ? LOCK IN SHARE MODE

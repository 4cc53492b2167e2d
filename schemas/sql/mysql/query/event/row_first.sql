-- The first event under a fence: its epoch is read under a lock that keeps a take-over out, and is
-- null if the writer was deposed.
(
    ?, ?, ?, (SELECT epoch FROM lease WHERE name = ? AND owner = ? AND epoch = ? LOCK IN SHARE MODE),
    CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), ?, ?, ?, ?, ?
)

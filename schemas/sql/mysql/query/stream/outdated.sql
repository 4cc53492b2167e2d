-- The closed streams of each workflow but the newest of them, and those that are too old. Nothing is locked.
SELECT id FROM (
    SELECT id, row_number() OVER (PARTITION BY workflow ORDER BY id DESC) AS place
    FROM stream WHERE is_closed = 1
) AS closed
WHERE place > ? OR id < ?
ORDER BY id

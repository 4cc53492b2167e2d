DELETE FROM stream WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY workflow ORDER BY id DESC) AS place
        FROM stream WHERE is_closed = 1
    )
    WHERE place > ?1 OR id < ?2
)

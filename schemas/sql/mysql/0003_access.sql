-- The Access Coordinator: which instance claimed an item and when it was given clearance; indexes
-- for pages of a long history; sweeps over items.

-- Done as a whole or not at all, and not twice: not every server knows ADD COLUMN IF NOT EXISTS.
-- An instance of 0 is not known. Every index ends with the primary key: the name need not be named.
SET @weir_change = (
    SELECT IF(
        count(*) = 0,
        'ALTER TABLE item
            ADD COLUMN instance BIGINT NOT NULL DEFAULT 0,
            ADD COLUMN cleared_at BIGINT,
            ADD KEY item_by_status (source, status, claimed_at),
            ADD KEY item_by_time (source, claimed_at)',
        'DO 0'
    )
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'item' AND column_name = 'cleared_at'
);
PREPARE weir_change FROM @weir_change;
EXECUTE weir_change;
DEALLOCATE PREPARE weir_change;

-- `body` is the sweep as JSON. `ended_at` is null while it goes on.
CREATE TABLE IF NOT EXISTS item_sweep (
    id       VARCHAR(36) NOT NULL PRIMARY KEY,
    begun_at BIGINT      NOT NULL,
    ended_at BIGINT,
    revision BIGINT      NOT NULL,
    body     LONGTEXT    NOT NULL,
    KEY item_sweep_ended (ended_at, begun_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

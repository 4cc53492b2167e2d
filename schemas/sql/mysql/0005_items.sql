-- The history of an item: its streams, found by what they read. The column is made of the body, so that
-- an engine that does not know it writes it, too; no longer than an index takes it.

-- It takes no room in the rows, so that none is written anew; the key is made beside those who write. Done in two
-- steps, since both at once would copy the table. Not every server knows ADD COLUMN IF NOT EXISTS.
SET @weir_change = (
    SELECT IF(
        count(*) = 0,
        'ALTER TABLE stream
            ADD COLUMN item VARCHAR(500)
                AS (LEFT(JSON_UNQUOTE(JSON_EXTRACT(body, ''$.item'')), 500)) VIRTUAL',
        'DO 0'
    )
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'stream' AND column_name = 'item'
);
PREPARE weir_change FROM @weir_change;
EXECUTE weir_change;
DEALLOCATE PREPARE weir_change;

SET @weir_change = (
    SELECT IF(count(*) = 0, 'ALTER TABLE stream ADD KEY stream_item (workflow, item, id)', 'DO 0')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'stream' AND index_name = 'stream_item'
);
PREPARE weir_change FROM @weir_change;
EXECUTE weir_change;
DEALLOCATE PREPARE weir_change;

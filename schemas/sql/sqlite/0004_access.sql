-- The Access Coordinator: which instance claimed an item and when it was given clearance; indexes
-- for pages of a long history; sweeps over items.

-- 0: not known.
ALTER TABLE item ADD COLUMN instance INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN cleared_at INTEGER;

CREATE INDEX item_by_status ON item (source, status, claimed_at, name);
CREATE INDEX item_by_time ON item (source, claimed_at, name);

-- `body` is the sweep as JSON. `ended_at` is null while it goes on.
CREATE TABLE item_sweep (
    id       TEXT    NOT NULL PRIMARY KEY,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER,
    revision INTEGER NOT NULL,
    body     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX item_sweep_ended ON item_sweep (ended_at, begun_at);

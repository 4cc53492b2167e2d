-- The Access Coordinator: which instance claimed an item and when it was given clearance; indexes
-- for pages of a long history; sweeps over items.

-- 0: not known.
ALTER TABLE item ADD COLUMN IF NOT EXISTS instance BIGINT NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN IF NOT EXISTS cleared_at BIGINT;

CREATE INDEX IF NOT EXISTS item_by_status ON item (source, status, claimed_at, name);
CREATE INDEX IF NOT EXISTS item_by_time ON item (source, claimed_at, name);

-- `body` is the sweep as JSON. `ended_at` is null while it goes on.
CREATE TABLE IF NOT EXISTS item_sweep (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    revision BIGINT NOT NULL,
    body     TEXT   NOT NULL
);

CREATE INDEX IF NOT EXISTS item_sweep_ended ON item_sweep (ended_at, begun_at);

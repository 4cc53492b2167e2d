-- The cluster: whose store this is, who its members are; pins of leases; commands of events.

-- One row, made here. An empty id means that the store is nobody's.
CREATE TABLE IF NOT EXISTS cluster (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id      TEXT    NOT NULL DEFAULT '',
    name    TEXT    NOT NULL DEFAULT '',
    -- Of the list of members.
    version INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO cluster (one) VALUES (1) ON CONFLICT DO NOTHING;

-- `body` is the member as JSON, the other columns are for people.
CREATE TABLE IF NOT EXISTS cluster_member (
    uid    TEXT NOT NULL PRIMARY KEY,
    name   TEXT NOT NULL,
    status TEXT NOT NULL,
    body   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE lease ADD COLUMN pinned TEXT;
ALTER TABLE event_journal ADD COLUMN command TEXT;

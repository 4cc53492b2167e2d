-- The history of an item: its streams, found by what they read.

CREATE INDEX IF NOT EXISTS stream_item ON stream (workflow, json_extract(body, '$.item'), id);

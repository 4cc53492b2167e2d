-- The history of an item: its streams, found by what they read. The item is taken as it stands in the body
-- and never read as JSON: that fails for names with null characters, and the stream would not be stored.

CREATE INDEX IF NOT EXISTS stream_item
    ON stream (workflow, md5(substring(body FROM '"item":("(?:[^"\\]|\\.)*")')), id);

-- Takes so many places of a tag; the last one is what the connection last inserted. The lock stays
-- until the commit.
INSERT INTO event_tag_head (tag, highest) VALUES (?, LAST_INSERT_ID(?))
ON DUPLICATE KEY UPDATE highest = LAST_INSERT_ID(highest + VALUES(highest))

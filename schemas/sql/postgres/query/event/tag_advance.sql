-- Takes so many places of a tag, and answers with the last one. The lock stays until the commit.
INSERT INTO event_tag_head (tag, highest) VALUES ($1, $2)
ON CONFLICT (tag) DO UPDATE SET highest = event_tag_head.highest + excluded.highest
RETURNING highest

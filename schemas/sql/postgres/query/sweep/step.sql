-- The revision; the body; the id; the revision before.
UPDATE item_sweep SET revision = $1, body = $2
WHERE id = $3 AND revision = $4 AND ended_at IS NULL

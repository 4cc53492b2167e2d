-- The revision; the body; the time of the end; the id; the revision before.
UPDATE item_sweep SET revision = $1, body = $2, ended_at = $3
WHERE id = $4 AND revision = $5 AND ended_at IS NULL

-- The revision; the body; the id; the revision before.
UPDATE item_sweep SET revision = ?, body = ?
WHERE id = ? AND revision = ? AND ended_at IS NULL

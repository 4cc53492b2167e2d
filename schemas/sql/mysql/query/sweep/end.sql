-- The revision; the body; the time of the end; the id; the revision before.
UPDATE item_sweep SET revision = ?, body = ?, ended_at = ?
WHERE id = ? AND revision = ? AND ended_at IS NULL

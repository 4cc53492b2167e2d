-- Workflow, state, and the last stream of the page before: each may be null, and stands twice.
SELECT id, body FROM stream
WHERE (? IS NULL OR workflow = ?) AND (? IS NULL OR state = ?)
    AND (? IS NULL OR id < ?)
ORDER BY id DESC
LIMIT ?

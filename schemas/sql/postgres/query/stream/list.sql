-- Workflow, state, and the last stream of the page before: each may be null, and stands twice.
SELECT id, body FROM stream
WHERE ($1::text IS NULL OR workflow = $2) AND ($3::text IS NULL OR state = $4)
    AND ($5::text IS NULL OR id < $6)
ORDER BY id DESC
LIMIT $7

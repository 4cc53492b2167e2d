-- Workflow, item as JSON, the same, and the last stream of the page before, which may be null, twice.
SELECT id, body FROM stream
WHERE workflow = $1
    AND md5(substring(body FROM '"item":("(?:[^"\\]|\\.)*")')) = md5($2)
    AND substring(body FROM '"item":("(?:[^"\\]|\\.)*")') = $3
    AND id < (CASE WHEN $4::text IS NULL THEN 'g' ELSE $5 END)
ORDER BY id DESC
LIMIT $6

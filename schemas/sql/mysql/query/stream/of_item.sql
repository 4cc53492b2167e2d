-- Workflow, item as JSON, the same, and the last stream of the page before, which may be null, twice.
SELECT id, body FROM stream
WHERE workflow = ? AND item = LEFT(JSON_UNQUOTE(?), 500)
    AND JSON_UNQUOTE(JSON_EXTRACT(body, '$.item')) = JSON_UNQUOTE(?)
    AND id < IF(? IS NULL, 'g', ?)
ORDER BY id DESC
LIMIT ?

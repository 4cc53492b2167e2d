-- ?1 workflow, ?2 item; ?3 the last stream of the page before may be null.
SELECT id, body FROM stream
WHERE workflow = ?1 AND json_extract(body, '$.item') = ?2 AND id < coalesce(?3, 'g')
ORDER BY id DESC
LIMIT ?4

-- Each of ?1 workflow, ?2 state and ?3 the last stream of the page before may be null.
SELECT id, body FROM stream
WHERE (?1 IS NULL OR workflow = ?1) AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR id < ?3)
ORDER BY id DESC
LIMIT ?4

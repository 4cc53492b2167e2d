INSERT INTO stream (id, workflow, state, is_closed, body) VALUES (?, ?, ?, ?, ?)
ON DUPLICATE KEY UPDATE
    workflow = VALUES(workflow),
    state = VALUES(state),
    is_closed = VALUES(is_closed),
    body = VALUES(body)

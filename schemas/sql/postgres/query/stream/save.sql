INSERT INTO stream (id, workflow, state, is_closed, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET
    workflow = excluded.workflow,
    state = excluded.state,
    is_closed = excluded.is_closed,
    body = excluded.body

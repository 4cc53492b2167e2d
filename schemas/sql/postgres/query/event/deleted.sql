INSERT INTO event_deleted (persistence_id, deleted_to) VALUES ($1, $2)
ON CONFLICT (persistence_id) DO UPDATE SET
    deleted_to = greatest(event_deleted.deleted_to, excluded.deleted_to)

INSERT INTO event_deleted (persistence_id, deleted_to) VALUES (?, ?)
ON DUPLICATE KEY UPDATE deleted_to = greatest(deleted_to, VALUES(deleted_to))

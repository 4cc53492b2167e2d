SELECT highest, deleted_to FROM event_head WHERE persistence_id = ?1

UPDATE event_head SET deleted_to = max(deleted_to, min(highest, ?2)) WHERE persistence_id = ?1

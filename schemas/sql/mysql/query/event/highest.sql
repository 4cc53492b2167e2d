SELECT greatest(
    coalesce((SELECT max(sequence_number) FROM event_journal WHERE persistence_id = ?), 0),
    coalesce((SELECT deleted_to FROM event_deleted WHERE persistence_id = ?), 0)
)

UPDATE stream_log SET severity = NULL, code = ?1, line = ?2 WHERE ordering = ?3

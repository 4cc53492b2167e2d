UPDATE stream_log SET severity = NULL, code = ?, line = ? WHERE ordering = ?

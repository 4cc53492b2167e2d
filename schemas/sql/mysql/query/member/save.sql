INSERT INTO cluster_member (uid, name, status, body) VALUES (?, ?, ?, ?)
ON DUPLICATE KEY UPDATE
    name = VALUES(name),
    status = VALUES(status),
    body = VALUES(body)

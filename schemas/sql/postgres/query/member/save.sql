INSERT INTO cluster_member (uid, name, status, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (uid) DO UPDATE SET
    name = excluded.name,
    status = excluded.status,
    body = excluded.body

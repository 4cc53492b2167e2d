INSERT INTO schema_version (version, name, applied_at) VALUES (:version, ':name', (extract(epoch FROM clock_timestamp()) * 1000)::bigint);

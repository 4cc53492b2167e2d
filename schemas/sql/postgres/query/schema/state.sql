-- Whether this is a database of ours, and whether it is somebody else's.
SELECT
    (SELECT count(*) FROM information_schema.tables
     WHERE table_schema = current_schema() AND table_name = 'schema_version'),
    (SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema())

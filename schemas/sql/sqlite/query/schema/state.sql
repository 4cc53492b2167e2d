-- Whether this is a database of ours, and whether it is somebody else's.
SELECT
    (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'),
    (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\')

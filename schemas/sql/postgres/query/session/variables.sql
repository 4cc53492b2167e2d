-- What decides whether a commit outlives a crash.
SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')

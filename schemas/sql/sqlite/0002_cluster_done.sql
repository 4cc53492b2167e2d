SELECT count(*) FROM pragma_table_info('event_journal') WHERE name = 'command'

SELECT count(*) FROM pragma_table_info('item') WHERE name = 'cleared_at'

-- What decides whether a commit outlives a crash, and whether locks hold against all writers.
SHOW GLOBAL VARIABLES WHERE Variable_name IN (
    'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog', 'wsrep_on'
)

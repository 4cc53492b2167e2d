-- As for other sessions, but leases are renewed every few seconds: there is less time.
SET SESSION
    sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    autocommit = 1,
    innodb_lock_wait_timeout = 1,
    wait_timeout = 5
    /*M!100300 , wait_timeout = 28800, idle_transaction_timeout = 3, max_statement_time = 1.2 */;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;

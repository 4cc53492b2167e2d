-- A statement ends by itself before its caller gives up, so that its outcome is known. A session
-- that is paused inside a transaction is ended: it holds locks that others need. MySQL can't tell
-- it from any other idle session; MariaDB can, in the comment that it executes.
-- A column that must not be null refuses null only in the strict mode.
SET SESSION
    sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    autocommit = 1,
    innodb_lock_wait_timeout = 4,
    wait_timeout = 5
    /*M!100300 , wait_timeout = 28800, idle_transaction_timeout = 3, max_statement_time = 4.5 */;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;

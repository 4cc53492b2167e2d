-- For changes of the schema, which may take their time.
SET SESSION lock_wait_timeout = 60, innodb_lock_wait_timeout = 60 /*M!100300 , max_statement_time = 0 */;
